import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { KafkaSocket } from "../../broker/test/runtime/kafka-socket.ts";
import { startOnRealPorts } from "../../broker/test/runtime/on-real-ports.ts";
import { createUser } from "../../broker/test/sasl/sasl-client.ts";
import { sslConfigs, TestAuthority, TestDirectory } from "../../broker/test/tls/certificates.ts";
import * as stores from "../../keystores/test/stores.ts";
import { Client, type ClientOptions, readKeystore, readTruststore } from "../src/index.ts";

const ca = new TestAuthority();
const own = ca.broker();
const alice = ca.issue("alice");
const bob = { username: "b=o,b", password: "b-secret" };

async function start() {
  const at = await startOnRealPorts({
    listeners: "BOTH://127.0.0.1:0,MUTUAL://127.0.0.1:0,OPEN://127.0.0.1:0",
    "listener.security.protocol.map": "BOTH:SASL_SSL,MUTUAL:SSL,OPEN:PLAINTEXT",
    "ssl.keystore.type": "PEM",
    "ssl.keystore.certificate.chain": own.certificate,
    "ssl.keystore.key": own.key,
    "ssl.truststore.type": "PEM",
    "ssl.truststore.certificates": ca.certificate,
    "listener.name.mutual.ssl.client.auth": "required",
    "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
    "connection.failed.authentication.delay.ms": "1",
  });
  using open = KafkaSocket.plain(at.port(2));
  await createUser(open, "SCRAM-SHA-256", bob.username, bob.password);
  await createUser(open, "SCRAM-SHA-512", bob.username, bob.password);
  return at;
}

async function topicsOf(port: number, options: Omit<ClientOptions, "bootstrap">) {
  await using client = new Client({ bootstrap: `127.0.0.1:${port}`, ...options });
  return (await client.allTopics()).length;
}

describe("a client", () => {
  test.each(["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] as const)("logs in by %s", async (name) => {
    await using at = await start();
    const sasl = { mechanism: name, ...bob };
    expect(await topicsOf(at.port(0), { tls: { ca: ca.certificate }, sasl })).toBe(0);
    const wrong = { ...sasl, password: "other" };
    await expect(
      topicsOf(at.port(0), { tls: { ca: ca.certificate }, sasl: wrong }),
    ).rejects.toThrow(expect.objectContaining({ code: "TARPAN_KAFKA_SASL_AUTHENTICATION_FAILED" }));
  });

  test("shows its certificate, and checks the broker's", async () => {
    await using at = await start();
    const { certificate: cert, key } = alice;
    expect(await topicsOf(at.port(1), { tls: { ca: ca.certificate, cert, key } })).toBe(0);
    await expect(topicsOf(at.port(1), { tls: { cert, key } })).rejects.toThrow("certificate");
    const elsewhere = { ca: ca.certificate, cert, key, serverName: "kafka.example" };
    await expect(topicsOf(at.port(1), { tls: elsewhere })).rejects.toThrow("kafka.example");
    expect(await topicsOf(at.port(1), { tls: { ...elsewhere, checkHost: false } })).toBe(0);
  });

  test("trusts, and shows, what is in the stores of a Java program", async () => {
    const password = stores.PASSWORD;
    const keystore = stores.java8Keys;
    const { key, cert } = await readKeystore(keystore, { password });
    await using directory = await TestDirectory.make();
    const configs = {
      ...sslConfigs({ certificate: cert, key }),
      "ssl.client.auth": "required",
      "ssl.truststore.location": await directory.write("trust", stores.jksTrust),
    };
    await using at = await startOnRealPorts(configs);
    const serverName = "localhost";
    for (const truststore of [stores.java17Trust, stores.jksTrust]) {
      const ca = await readTruststore(truststore, { password });
      expect(await topicsOf(at.port(0), { tls: { ca, cert, key, serverName } })).toBe(0);
    }
    // As in Java, the broker's own certificate may be trusted, and not who signed it.
    const own = await readTruststore(keystore, { password });
    expect(await topicsOf(at.port(0), { tls: { ca: own, cert, key, serverName } })).toBe(0);
  });

  test("is told what is wrong with a store", async () => {
    const store = stores.java17Keys;
    await expect(readTruststore(store, { password: "x" })).rejects.toMatchObject({
      name: "ClientError",
      code: "TARPAN_KEYSTORE_PASSWORD",
      message: "the truststore can't be used: its password is wrong, or the file was changed",
    });
    await expect(readKeystore(stores.java17Trust, { password: stores.PASSWORD })).rejects.toThrow(
      "the keystore can't be used: it has no private key",
    );
    const wrong = () => readTruststore("trust.jks" as never, {});
    await expect(wrong()).rejects.toThrow("readTruststore: bytes must be a Uint8Array");
    const misspelt = () => readKeystore(store, { passwort: "x" } as never);
    await expect(misspelt()).rejects.toThrow("there is no option passwort; did you mean password?");
  });

  test("shows the certificate of a PKCS#12 file", async (context) => {
    await using directory = await TestDirectory.make();
    const pem = await directory.write("alice.pem", `${alice.key}${alice.certificate}`);
    const words = ["pkcs12", "-export", "-in", pem, "-passout", "pass:a-secret"];
    const { error, stdout: pfx } = spawnSync("openssl", words);
    if (error) context.skip("there is no openssl here");
    await using at = await start();
    const tls = { ca: ca.certificate, pfx, passphrase: "a-secret" };
    expect(await topicsOf(at.port(1), { tls })).toBe(0);
  });

  test("never shows a password", () => {
    const sasl = { mechanism: "PLAIN", username: "u", password: 12345 } as never;
    const make = () => new Client({ bootstrap: "localhost:1", sasl });
    expect(make).toThrow("sasl.password must be a string that is not empty");
    expect(make).not.toThrow("12345");
  });
});
