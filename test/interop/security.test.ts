import { Kafka, logLevel } from "kafkajs";
import { expect, test } from "vitest";
import { KafkaSocket } from "../../packages/broker/test/runtime/kafka-socket.ts";
import { startOnRealPorts } from "../../packages/broker/test/runtime/on-real-ports.ts";
import { createUser } from "../../packages/broker/test/sasl/sasl-client.ts";
import { TestAuthority, TestDirectory } from "../../packages/broker/test/tls/certificates.ts";
import { peer } from "../harness/peers.ts";
import { succeed } from "../harness/run.ts";

// Real clients over every security protocol. The broker runs in this process.

const ca = new TestAuthority();
const own = ca.broker();
const alice = ca.issue("alice");
const kcat = peer("kcat");

const [ENCRYPTED, MUTUAL, USERS, USERS_ENCRYPTED, OPEN] = [0, 1, 2, 3, 4];

function start() {
  return startOnRealPorts({
    listeners: ["TLS", "MUTUAL", "USERS", "BOTH", "OPEN"]
      .map((name) => `${name}://localhost:0`)
      .join(","),
    "listener.security.protocol.map":
      "TLS:SSL,MUTUAL:SSL,USERS:SASL_PLAINTEXT,BOTH:SASL_SSL,OPEN:PLAINTEXT",
    "ssl.keystore.type": "PEM",
    "ssl.keystore.certificate.chain": own.certificate,
    "ssl.keystore.key": own.key,
    "ssl.truststore.type": "PEM",
    "ssl.truststore.certificates": ca.certificate,
    "listener.name.mutual.ssl.client.auth": "required",
    "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
  });
}

type Started = Awaited<ReturnType<typeof start>>;

async function createBob(at: Started): Promise<void> {
  using open = KafkaSocket.plain(at.port(OPEN));
  await createUser(open, "SCRAM-SHA-512", "bob", "b-secret");
}

kcat.it(
  "kcat: SSL, mutual TLS, and PLAIN with and without TLS",
  async () => {
    await using at = await start();
    await using directory = await TestDirectory.make();
    await createBob(at);
    const tls = { "ssl.ca.location": await directory.write("ca.pem", ca.certificate) };
    const sasl = { "sasl.mechanism": "PLAIN", "sasl.username": "bob", "sasl.password": "b-secret" };
    const certificate = {
      "ssl.certificate.location": await directory.write("alice.pem", alice.certificate),
      "ssl.key.location": await directory.write("alice.key", alice.key),
    };
    const ways = [
      [ENCRYPTED, { "security.protocol": "ssl", ...tls }],
      [MUTUAL, { "security.protocol": "ssl", ...tls, ...certificate }],
      [USERS, { "security.protocol": "sasl_plaintext", ...sasl }],
      [USERS_ENCRYPTED, { "security.protocol": "sasl_ssl", ...tls, ...sasl }],
    ] as const;
    for (const [listener, configs] of ways) {
      const flags = Object.entries(configs).flatMap(([name, value]) => ["-X", `${name}=${value}`]);
      const to = ["-m", "20", "-b", `localhost:${at.port(listener)}`, ...flags];
      await succeed(kcat.path, [...to, "-t", "t", "-P"], { input: `by listener ${listener}\n` });
      expect(await succeed(kcat.path, [...to, "-t", "t", "-C", "-e", "-q"])).toContain(
        `by listener ${listener}\n`,
      );
    }
  },
  60_000,
);

test.each(["plain", "scram-sha-512"] as const)("kafkajs: %s over TLS", async (mechanism) => {
  await using at = await start();
  await createBob(at);
  const client = (password: string) =>
    new Kafka({
      brokers: [`localhost:${at.port(USERS_ENCRYPTED)}`],
      ssl: { ca: ca.certificate },
      sasl: { mechanism, username: "bob", password } as never,
      logLevel: logLevel.NOTHING,
      retry: { retries: 0 },
    });
  const producer = client("b-secret").producer();
  await producer.connect();
  const sent = await producer.send({ topic: "t", messages: [{ value: "x" }] });
  expect(sent).toMatchObject([{ errorCode: 0, baseOffset: "0" }]);
  await producer.disconnect();
  await expect(client("wrong").admin().connect()).rejects.toThrow(/SASL|credentials|password/i);
});
