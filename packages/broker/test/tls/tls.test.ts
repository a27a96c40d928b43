import { createPrivateKey, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { request } from "node:https";
import { connect } from "node:net";
import { encodeRequest, Metadata } from "@tarpan/protocol";
import { describe, expect, test } from "vitest";
import { nodeEnv } from "../../src/env/node-env.ts";
import { ManualTime } from "../env/manual-time.ts";
import { KafkaSocket, type TlsOptions } from "../runtime/kafka-socket.ts";
import { startOnRealPorts } from "../runtime/on-real-ports.ts";
import { sslConfigs, TestAuthority, TestDirectory } from "./certificates.ts";
import { NAMELESS } from "./nameless.ts";

/** As docs/security.md promises. */
const RELOAD_INTERVAL_MS = 10_000;
const HANDSHAKE_MS = 10_000;
const ALL_TOPICS = { topics: null, allowAutoTopicCreation: false };

const ca = new TestAuthority();
const own = ca.broker();
const alice = ca.issue("alice");

async function speaks(port: number, options: TlsOptions = {}): Promise<void> {
  using client = KafkaSocket.tls(port, { ca: ca.certificate, ...options });
  const { brokers } = await client.send(Metadata, 12, ALL_TOPICS);
  expect(brokers).toMatchObject([{ host: "127.0.0.1", port }]);
}

async function ask(port: number, path: string) {
  const sent = request({ port, path, ca: ca.certificate, agent: false });
  sent.end();
  const [response] = await once(sent, "response");
  let text = "";
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode as number, text };
}

function certificateOf({ certificate, key }: { certificate: string; key: string }) {
  return { cert: certificate, key };
}

describe("a listener with the protocol SSL", () => {
  test("serves Kafka and HTTP on one port, with TLS 1.2 and 1.3", async () => {
    await using at = await startOnRealPorts(sslConfigs(own));
    await speaks(at.port(0));
    await speaks(at.port(0), { maxVersion: "TLSv1.2" });
    const sent = request({ port: at.port(0), path: "/health", ca: ca.certificate });
    sent.end();
    const [response] = await once(sent, "response");
    response.resume();
    expect(response.statusCode).toBe(200);
  });

  test("refuses older versions and plain text, and says why", async () => {
    await using at = await startOnRealPorts(sslConfigs(own));
    using plain = KafkaSocket.plain(at.port(0));
    await expect(plain.send(Metadata, 12, ALL_TOPICS)).rejects.toThrow();
    // Further warnings of one reason and address are only counted.
    expect(at.log.join("\n")).toContain("it does not speak TLS, and this listener does");
    const old = speaks(at.port(0), {
      ...{ minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" },
    });
    await expect(old).rejects.toThrow();
    expect(at.listener.stats.connectionsFailed["tls-handshake"]).toBe(2);
  });

  test("offers only the versions and ciphers that it is told to", async () => {
    await using at = await startOnRealPorts({
      ...sslConfigs(own),
      "ssl.enabled.protocols": "TLSv1.2",
      "ssl.cipher.suites": "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    });
    using client = KafkaSocket.tls(at.port(0), { ca: ca.certificate });
    await client.send(Metadata, 12, ALL_TOPICS);
    const socket = client.socket as import("node:tls").TLSSocket;
    expect(socket.getProtocol()).toBe("TLSv1.2");
    expect(socket.getCipher().name).toBe("ECDHE-ECDSA-AES256-GCM-SHA384");
  });

  test("does not wait for handshakes that are not done", async () => {
    await using at = await startOnRealPorts(sslConfigs(own));
    const half = Array.from({ length: 20 }, () => connect(at.port(0), "127.0.0.1"));
    for (const socket of half) socket.on("error", () => {}).write(Buffer.of(0x16, 0x03, 0x01));
    await speaks(at.port(0));
    // The broker can stop: it ends these handshakes.
    const ends = half.map((socket) => once(socket, "close"));
    for (const socket of half) socket.resume();
    await at.broker.stop();
    await Promise.all(ends);
  });

  test("closes connections whose handshake takes too long, also if bytes go on coming", async () => {
    const time = new ManualTime();
    await using at = await startOnRealPorts(sslConfigs(own), { timers: time, clock: time });
    const dial = async () => {
      const socket = connect(at.port(0), "127.0.0.1").resume();
      await once(
        socket.on("error", () => {}),
        "connect",
      );
      return socket;
    };
    const [silent, slow] = [await dial(), await dial()];
    // A connection that the broker accepts after these has them counted.
    await speaks(at.port(0));
    // The beginning of a ClientHello of 16 KiB, one piece after another.
    slow.write(Buffer.of(0x16, 0x03, 0x01, 0x40, 0x00, 0x01, 0x00, 0x3f, 0xfc));
    for (let ms = 0; ms < HANDSHAKE_MS - 1_000; ms += 1_000) {
      slow.write(Buffer.of(0));
      await speaks(at.port(0));
      time.advance(1_000);
    }
    expect([silent.closed, slow.closed]).toEqual([false, false]);
    const ends = [silent, slow].map((socket) => once(socket, "close"));
    time.advance(1_000);
    await Promise.all(ends);
    expect(at.log.filter((line) => line.includes("TLS handshake took too long"))).toHaveLength(1);
    expect(at.listener.stats.connectionsFailed["tls-handshake"]).toBe(2);
  });

  test("half-done handshakes of one address do not lock others out", async () => {
    await using at = await startOnRealPorts(sslConfigs(own));
    const half = Array.from({ length: 1_000 }, () => connect(at.port(0), "127.0.0.1"));
    for (const socket of half) socket.on("error", () => {}).resume();
    const connected = half.map((socket) => once(socket, "connect"));
    await Promise.all(connected);
    const first = once(half[0]!, "close");
    await speaks(at.port(0), { localAddress: "127.0.0.2" });
    // The oldest of the address that has the most made room.
    await first;
    expect(at.log.join("\n")).toContain("1000 TLS handshakes are not done");
    expect(half.filter((socket) => socket.closed)).toHaveLength(1);
    for (const socket of half) socket.destroy();
  });

  test("max.connections.per.ip counts handshakes that are not done", async () => {
    const configs = { ...sslConfigs(own), "max.connections.per.ip": "2" };
    await using at = await startOnRealPorts(configs);
    const dial = () =>
      connect(at.port(0), "127.0.0.1")
        .on("error", () => {})
        .resume();
    // Those that fail, and those that are done, leave their place.
    for (let i = 0; i < 3; i++) await once(dial().end("no TLS at all"), "close");
    for (let i = 0; i < 3; i++) await speaks(at.port(0));
    const half = [dial(), dial()];
    await Promise.all(half.map((socket) => once(socket, "connect")));
    await once(dial(), "close");
    expect(at.listener.stats.connectionsRefused["too-many-connections-of-ip"]).toBe(1);
    await speaks(at.port(0), { localAddress: "127.0.0.2" });
    for (const socket of half) socket.destroy();
  });

  test("who closes in the middle of its handshake leaves its place at once, silently", async () => {
    const configs = { ...sslConfigs(own), "max.connections.per.ip": "2" };
    await using at = await startOnRealPorts(configs);
    for (const bytes of [[], [0x16, 0x03, 0x01, 0x02]]) {
      for (let i = 0; i < 3; i++) {
        const socket = connect({ port: at.port(0), host: "127.0.0.1", allowHalfOpen: true });
        socket.resume().write(Uint8Array.from(bytes));
        await once(socket, "connect");
        // The broker ends its half, too: it does not wait for the rest of the handshake.
        const closed = once(socket, "close");
        socket.end();
        await closed;
      }
    }
    await speaks(at.port(0));
    expect(at.listener.stats.connectionsRefused["too-many-connections-of-ip"]).toBe(0);
    expect(at.log.join("\n")).not.toContain("handshake");
  });

  test("a client may send no more, and still gets its answers", async () => {
    await using at = await startOnRealPorts(sslConfigs(own));
    using client = KafkaSocket.tls(at.port(0), { ca: ca.certificate });
    // More than are begun at once: the end comes before the last ones are.
    for (let correlationId = 1; correlationId <= 1_000; correlationId++) {
      const header = { correlationId, clientId: "test" };
      const chunks = encodeRequest(Metadata, 12, header, ALL_TOPICS);
      for (const chunk of chunks) client.socket.write(chunk);
    }
    client.socket.end();
    for (let i = 0; i < 1_000; i++) await client.frame();
  });

  test("a client does not take a certificate that is expired or of another authority", async () => {
    await using expired = await startOnRealPorts(sslConfigs(ca.broker({ expired: true })));
    await expect(speaks(expired.port(0))).rejects.toThrow("expired");
    expect(expired.log.join("\n")).toContain("its certificate has expired (CN=broker, at");
    await using other = await startOnRealPorts(sslConfigs(new TestAuthority().broker()));
    await expect(speaks(other.port(0))).rejects.toThrow(/certificate/);
  });
});

describe("ssl.client.auth", () => {
  const asking = (clientAuth: string, more: Record<string, string> = {}) =>
    startOnRealPorts({
      ...sslConfigs(own),
      "ssl.client.auth": clientAuth,
      "ssl.truststore.type": "PEM",
      "ssl.truststore.certificates": ca.certificate.replaceAll("\n", " "),
      ...more,
    });

  test("required: refuses clients without a certificate of the authority", async () => {
    await using at = await asking("required");
    await speaks(at.port(0), certificateOf(alice));
    await expect(speaks(at.port(0))).rejects.toThrow();
    const strange = certificateOf(new TestAuthority().issue("alice"));
    await expect(speaks(at.port(0), strange)).rejects.toThrow();
    const old = certificateOf(ca.issue("alice", { expired: true }));
    await expect(speaks(at.port(0), old)).rejects.toThrow();
    const log = at.log.join("\n");
    expect(log).toContain("it showed no certificate, and ssl.client.auth is required");
    expect(at.listener.stats.connectionsFailed["tls-handshake"]).toBe(3);
  });

  test("requested: takes clients without one, but none that it does not trust", async () => {
    await using at = await asking("requested");
    await speaks(at.port(0));
    await speaks(at.port(0), certificateOf(alice));
    const strange = certificateOf(new TestAuthority().issue("alice"));
    await expect(speaks(at.port(0), strange)).rejects.toThrow();
  });

  test("a trusted certificate without a subject is let in, or refused by the rules", async () => {
    const { authority, cert, key } = NAMELESS;
    const trusting = { "ssl.truststore.certificates": authority };
    await using at = await asking("required", trusting);
    await speaks(at.port(0), { cert, key });
    const rules = { "ssl.principal.mapping.rules": "RULE:^CN=(.*)$/$1/" };
    await using strict = await asking("required", { ...trusting, ...rules });
    await expect(speaks(strict.port(0), { cert, key })).rejects.toThrow();
    expect(strict.log.join("\n")).toContain("no rule of ssl.principal.mapping.rules fits");
  });

  test("a certificate that no mapping rule fits is refused", async () => {
    await using at = await asking("required", {
      "ssl.principal.mapping.rules": "RULE:^CN=bob$/b/",
    });
    await expect(speaks(at.port(0), certificateOf(alice))).rejects.toThrow();
    expect(at.log.join("\n")).toContain("no rule of ssl.principal.mapping.rules fits CN=alice");
  });
});

describe("keys and certificates", () => {
  test("that can't be used any more are told by /ready and the metrics", async () => {
    await using directory = await TestDirectory.make();
    const path = await directory.write("broker.pem", `${own.key}${own.certificate}`);
    const looks = new Set<() => void>();
    // The looks at the files come when this test says so, and everything else by itself.
    const timers = {
      ...nodeEnv.timers,
      after(delayMs: number, fire: () => void) {
        if (delayMs !== RELOAD_INTERVAL_MS) return nodeEnv.timers.after(delayMs, fire);
        looks.add(fire);
        return { cancel: () => void looks.delete(fire) };
      },
    };
    const configs = { "ssl.keystore.type": "PEM", "ssl.keystore.location": path };
    const at = await startOnRealPorts({ listeners: "SSL://127.0.0.1:0", ...configs }, { timers });
    await using _ = at;
    const metric = async (name: string) =>
      (await ask(at.port(0), "/metrics")).text.match(
        `tarpan_certificate_${name}{listener="SSL"} (.*)`,
      )?.[1];
    const expiresMs = Date.parse(new X509Certificate(own.certificate).validTo);
    expect(Number(await metric("expiry_timestamp_seconds"))).toBe(expiresMs / 1000);
    expect(await metric("reload_failures_total")).toBe("0");
    expect((await ask(at.port(0), "/ready")).status).toBe(200);

    await directory.write("broker.pem", own.key);
    const known = [...looks];
    looks.clear();
    for (const look of known) look();
    await expect.poll(() => looks.size).toBe(known.length);
    expect(await metric("reload_failures_total")).toBe("1");
    expect(await metric("expiry_timestamp_seconds")).toBe(String(expiresMs / 1000));
    const { status, text } = await ask(at.port(0), "/ready");
    expect([status, text]).toEqual([503, expect.stringContaining("listener SSL keeps its cert")]);
    await speaks(at.port(0));
  });

  test("come from a PEM file, whose key has a password", async () => {
    await using directory = await TestDirectory.make();
    const cipher = { type: "pkcs8", format: "pem", cipher: "aes-256-cbc" } as const;
    const locked = createPrivateKey(own.key).export({ ...cipher, passphrase: "s3cret" });
    const path = await directory.write("broker.pem", `${locked}${own.certificate}`);
    await using at = await startOnRealPorts({
      listeners: "SSL://127.0.0.1:0",
      "ssl.keystore.type": "PEM",
      "ssl.keystore.location": path,
      "ssl.key.password": "s3cret",
    });
    await speaks(at.port(0));
  });

  test.each([
    [{ "ssl.keystore.location": "/nowhere.pem" }, "there is no file /nowhere.pem"],
    [{}, "a listener with TLS needs a certificate"],
    [{ "ssl.keystore.certificate.chain": "x", "ssl.keystore.key": "y" }, "has nothing in PEM"],
    [{ "ssl.keystore.type": "BKS" }, "must be PEM, PKCS12 or JKS, not BKS"],
    [{ "ssl.enabled.protocols": "TLSv1.1" }, "TLSv1.1 is not offered"],
    [{ "ssl.cipher.suites": "TLS_NULL" }, "TLS_NULL is not known"],
    [
      { "ssl.keystore.certificate.chain": own.certificate, "ssl.keystore.key": alice.key },
      "its key and certificates can't be used",
    ],
  ])("%j is refused", async (configs, message) => {
    const base = { listeners: "SSL://127.0.0.1:0", "ssl.keystore.type": "PEM" };
    const starting = startOnRealPorts({ ...base, ...configs });
    await expect(starting).rejects.toMatchObject({
      code: "TARPAN_CONFIG",
      message: expect.stringContaining(message),
    });
  });

  test.each([
    [{ "ssl.keystore.location": "/k.p12" }, "no listener has the protocol SSL or SASL_SSL"],
    [{ "listener.name.x.ssl.client.auth": "required" }, "no listener X has the protocol SSL"],
  ])("%j without a listener that uses it is refused", async (configs, message) => {
    await expect(startOnRealPorts(configs)).rejects.toThrow(message);
  });
});
