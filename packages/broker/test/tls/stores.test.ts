// Keystores and truststores that keytool has made.
import { once } from "node:events";
import { request } from "node:https";
import { readKeystore, readTruststore } from "@tarpan/keystores";
import { Metadata } from "@tarpan/protocol";
import { describe, expect, test } from "vitest";
import * as stores from "../../../keystores/test/stores.ts";
import { tlsSettingsOf } from "../../src/config/tls-settings.ts";
import { nodeEnv } from "../../src/env/node-env.ts";
import { ListenerTls } from "../../src/tls/listener-tls.ts";
import { ManualTime } from "../env/manual-time.ts";
import { KafkaSocket, type TlsOptions } from "../runtime/kafka-socket.ts";
import { startOnRealPorts } from "../runtime/on-real-ports.ts";
import { sslConfigs, TestAuthority, TestDirectory } from "./certificates.ts";

const password = stores.PASSWORD;
const ca = await readTruststore(stores.unencryptedTrust, {});
/** Signed by an authority that "Test CA" of the truststores has signed. */
const known = await readKeystore(stores.java17Keys, { password });

async function speaks(port: number, options: TlsOptions): Promise<void> {
  using client = KafkaSocket.tls(port, { ca, servername: "localhost", ...options });
  await client.send(Metadata, 12, { topics: null, allowAutoTopicCreation: false });
}

interface Files {
  readonly keystore: Buffer;
  readonly truststore: Buffer;
}

async function configsOf(directory: TestDirectory, { keystore, truststore }: Files) {
  return {
    listeners: "SSL://127.0.0.1:0",
    "ssl.keystore.location": await directory.write("keystore", keystore),
    "ssl.keystore.password": password,
    "ssl.truststore.location": await directory.write("truststore", truststore),
    "ssl.truststore.password": password,
    "ssl.client.auth": "required",
  };
}

describe("a broker with Java's stores", () => {
  test.each([
    ["Java 17", "PKCS12", stores.java17Keys, stores.java17Trust],
    ["Java 8", "PKCS12", stores.java8Keys, stores.java8Trust],
    ["the default type, of either format", "", stores.java17Keys, stores.jksTrust],
    ["a type of another format, as Java", "JKS", stores.java8Keys, stores.unencryptedTrust],
  ])("of %s lets in whom the truststore trusts", async (_name, type, keystore, truststore) => {
    await using directory = await TestDirectory.make();
    await using at = await startOnRealPorts({
      ...(await configsOf(directory, { keystore, truststore })),
      "ssl.keystore.type": type,
      "ssl.truststore.type": type === "PKCS12" ? type : "JKS",
    });
    await speaks(at.port(0), known);
    const { certificate: cert, key } = new TestAuthority().issue("stranger");
    await expect(speaks(at.port(0), { cert, key })).rejects.toThrow();
    await expect(speaks(at.port(0), {})).rejects.toThrow();
    const sent = request({ port: at.port(0), path: "/metrics", ca, ...known, agent: false }).end();
    const [response] = await once(sent, "response");
    let text = "";
    for await (const chunk of response) text += chunk;
    expect(text).toMatch(/expiry_timestamp_seconds\{listener="SSL"\} 49\d{8}/);
    expect(at.log.join("\n")).not.toContain(password);
  });

  test.each([
    [{ "ssl.truststore.password": "x" }, "truststore can't be used: its password is wrong"],
    [{ "ssl.truststore.password": "x" }, "file was changed (ssl.truststore.password)"],
    [{ "ssl.truststore.password": "" }, "it needs a password (ssl.truststore.password)"],
    [{ "ssl.keystore.password": "x" }, "file was changed (ssl.keystore.password)"],
    [{ "ssl.key.password": "x" }, "the password of its key is wrong (ssl.key.password)"],
    [{ "ssl.truststore.type": "PEM" }, "a truststore in PEM has no password"],
    [{ "ssl.truststore.type": "BKS" }, "must be PEM, PKCS12 or JKS, not BKS"],
  ])("%j is refused: %s", async (configs, message) => {
    await using directory = await TestDirectory.make();
    const files = { keystore: stores.java17Keys, truststore: stores.java17Trust };
    const starting = startOnRealPorts({ ...(await configsOf(directory, files)), ...configs });
    await expect(starting).rejects.toMatchObject({
      code: "TARPAN_CONFIG",
      message: expect.stringContaining(message),
    });
  });

  test("the keys of a JKS file are refused with the command that converts it", async () => {
    await using directory = await TestDirectory.make();
    const files = { keystore: stores.jksKeys, truststore: stores.jksTrust };
    const starting = startOnRealPorts(await configsOf(directory, files));
    await expect(starting).rejects.toThrow(/keytool -importkeystore -srckeystore \S+keystore /);
  });
});

describe("a truststore", () => {
  async function opened(directory: TestDirectory, truststore: Buffer | string) {
    const { certificate, key } = new TestAuthority().broker();
    const configs: Record<string, string> = {
      ...sslConfigs({ certificate, key }),
      "ssl.client.auth": "required",
      "ssl.truststore.location": await directory.write("truststore", truststore),
      "ssl.truststore.password": password,
    };
    const tls = tlsSettingsOf((name) => configs[name] ?? null);
    const log: string[] = [];
    const write = (message: string) => void log.push(message);
    const logger = { debug: write, info: write, warn: write, error: write };
    const time = new ManualTime();
    const env = { fs: nodeEnv.fs, timers: time, clock: time };
    return { listener: (await ListenerTls.open({ name: "SSL", tls }, { env, logger }))!, log };
  }

  test("is read again; one that can't be used changes nothing, and is told", async () => {
    await using directory = await TestDirectory.make();
    const { listener, log } = await opened(directory, stores.java17Trust);
    const { ca: first } = listener.options;
    expect(log).toEqual([]);
    await listener.reload();
    expect(listener.options.ca).toBe(first);

    const half = stores.java17Trust.subarray(0, 500);
    for (const [content, why] of [
      [half, "its end is missing"],
      [stores.jceksTrust, "keytool -importkeystore"],
    ] as const) {
      await directory.write("truststore", content);
      await listener.reload();
      await listener.reload();
      expect(listener.problem).toContain("listener SSL keeps its certificates: ssl.truststore");
      expect(listener.problem).toContain(why);
      expect(listener.options.ca).toBe(first);
    }
    expect(listener.reloadFailures).toBe(4);
    expect(log).toHaveLength(2);

    await directory.write("truststore", stores.java17Trust);
    await listener.reload();
    expect(listener.problem).toBeNull();
    expect(listener.options.ca).toBe(first);

    await directory.write("truststore", stores.keyAndTrusted);
    await listener.reload();
    const trusted = await readTruststore(stores.keyAndTrusted, { password });
    expect(String(listener.options.ca)).toBe(trusted);
    expect(log.slice(2)).toEqual([
      "listener SSL: its files are good",
      "listener SSL: new keys and certificates are in use",
      "listener SSL: its truststore has CN=broker, but not CN=Intermediate CA, which signed it: " +
        "clients that need it are refused",
    ]);
  });
});
