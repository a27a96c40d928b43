import { Admin, Consumer, Producer } from "@platformatic/kafka";
import { Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { KafkaSocket } from "../../packages/broker/test/runtime/kafka-socket.ts";
import { startOnRealPorts } from "../../packages/broker/test/runtime/on-real-ports.ts";
import { createUser } from "../../packages/broker/test/sasl/sasl-client.ts";
import { TestAuthority, TestDirectory } from "../../packages/broker/test/tls/certificates.ts";
import { type Peer, peer } from "../harness/peers.ts";
import { ADMIN_ROUND_TRIP, atOffsets, peerSource, programPeer, SAMPLE } from "./peer.ts";

// Clients of the matrix over SASL_SSL with SCRAM-SHA-512, and over mutual TLS: they produce and
// consume, and change topics or use transactions. ACLs are on, so the broker has to know who they
// are. kcat is in security.test.ts, OAUTHBEARER in oauth.test.ts. `npm run chaos` has all programs.

const ca = new TestAuthority();
const own = ca.broker();
const alice = ca.issue("alice");
const PASSWORD = "b-secret";
const isLong = process.env.TARPAN_CHAOS === "1";

const [USERS, MUTUAL, OPEN] = [0, 1, 2];
const WAYS = ["SASL_SSL", "mutual TLS"] as const;
type Way = (typeof WAYS)[number];

let at: Awaited<ReturnType<typeof startOnRealPorts>>;
let directory: TestDirectory;
let files: { ca: string; certificate: string; key: string };

beforeAll(async () => {
  at = await startOnRealPorts({
    listeners: "USERS://localhost:0,MUTUAL://localhost:0,OPEN://localhost:0",
    "listener.security.protocol.map": "USERS:SASL_SSL,MUTUAL:SSL,OPEN:PLAINTEXT",
    "ssl.keystore.type": "PEM",
    "ssl.keystore.certificate.chain": own.certificate,
    "ssl.keystore.key": own.key,
    "ssl.truststore.type": "PEM",
    "ssl.truststore.certificates": ca.certificate,
    "listener.name.mutual.ssl.client.auth": "required",
    "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:bob;User:CN=alice;User:ANONYMOUS",
    "group.initial.rebalance.delay.ms": "0",
  });
  using open = KafkaSocket.plain(at.port(OPEN));
  await createUser(open, "SCRAM-SHA-512", "bob", PASSWORD);
  directory = await TestDirectory.make();
  files = {
    ca: await directory.write("ca.pem", ca.certificate),
    certificate: await directory.write("alice.pem", alice.certificate),
    key: await directory.write("alice.key", alice.key),
  };
});

afterAll(async () => {
  await directory[Symbol.asyncDispose]();
  await at.broker.stop();
});

const isMutual = (way: Way) => way === "mutual TLS";

function addressOf(way: Way) {
  const port = at.port(isMutual(way) ? MUTUAL : USERS);
  return { port, bootstrap: `localhost:${port}` };
}

/** Configs of librdkafka. Before its release 2.6.1 it sends a wrong nonce by SCRAM. */
function librdkafka(way: Way, mechanism = "SCRAM-SHA-512") {
  const authority = { "ssl.ca.location": files.ca };
  if (isMutual(way)) {
    return {
      ...{ ...authority, "security.protocol": "ssl" },
      ...{ "ssl.certificate.location": files.certificate, "ssl.key.location": files.key },
    };
  }
  return {
    ...{ ...authority, "security.protocol": "sasl_ssl", "sasl.mechanism": mechanism },
    ...{ "sasl.username": "bob", "sasl.password": PASSWORD },
  };
}

function kafkaPython(way: Way) {
  const authority = { ssl_cafile: files.ca };
  if (isMutual(way)) {
    const { certificate: ssl_certfile, key: ssl_keyfile } = files;
    return { ...authority, security_protocol: "SSL", ssl_certfile, ssl_keyfile };
  }
  return {
    ...{ ...authority, security_protocol: "SASL_SSL", sasl_mechanism: "SCRAM-SHA-512" },
    ...{ sasl_plain_username: "bob", sasl_plain_password: PASSWORD },
  };
}

interface Program {
  readonly name: string;
  readonly args: readonly string[];
  readonly security: (way: Way) => Readonly<Record<string, string>>;
  readonly env?: (peer: Peer) => Readonly<Record<string, string>>;
  /** What it does beside producing and consuming. */
  readonly also: readonly ("admin" | "transact")[];
}

const PROGRAMS: readonly Program[] = [
  {
    name: "confluent-kafka-python",
    args: [peerSource("confluent-kafka-python/peer.py")],
    security: (way) => librdkafka(way, "PLAIN"),
    also: ["admin"],
  },
  {
    name: "confluent-kafka-python-2",
    args: [peerSource("confluent-kafka-python/peer.py")],
    security: librdkafka,
    env: ({ modules }) => ({ PYTHONPATH: modules }),
    also: ["transact"],
  },
  {
    name: "kafka-javascript",
    args: [peerSource("kafka-javascript/peer.mjs")],
    security: librdkafka,
    env: ({ modules }) => ({ NODE_PATH: modules }),
    also: ["transact"],
  },
  {
    name: "kafka-python",
    args: [peerSource("kafka-python/peer.py")],
    security: kafkaPython,
    also: ["admin"],
  },
];

const sample = SAMPLE.filter(({ value }) => value !== "").map((record) => ({
  ...record,
  headers: record.headers.filter(([, value]) => value !== ""),
}));

for (const { name, args, security, env, also } of isLong ? PROGRAMS : PROGRAMS.slice(1, 2)) {
  const client = peer(name);
  for (const way of WAYS) {
    client.it(
      `${name}: ${way}`,
      async () => {
        const ask = programPeer(client, args, addressOf(way), env?.(client));
        const topic = `${name}-${isMutual(way) ? "mutual" : "users"}`;
        await createTopic(topic);
        const secured = { security: security(way) };
        const records = sample.map((record) => ({ partition: 0, ...record }));
        await ask("produce", topic, { ...secured, codec: "none", records });
        const wanted = { ...secured, partition: 0, offset: 0, count: sample.length };
        expect((await ask("consume", topic, wanted)).records).toEqual(atOffsets(sample));
        if (also.includes("admin")) {
          expect(await ask("admin", `${topic}-admin`, secured)).toEqual(ADMIN_ROUND_TRIP);
        }
        if (isLong && also.includes("transact")) {
          await createTopic(`${topic}-transacted`);
          const { values } = await ask("transact", `${topic}-transacted`, secured);
          expect(values).toEqual(["committed"]);
        }
      },
      120_000,
    );
  }
}

async function createTopic(topic: string): Promise<void> {
  const brokers = [`localhost:${at.port(OPEN)}`];
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
  await admin.disconnect();
}

function nodeTls(way: Way) {
  const own = isMutual(way) ? { cert: alice.certificate, key: alice.key } : {};
  return { ca: ca.certificate, ...own };
}

it.each(WAYS)("kafkajs: %s", async (way) => {
  const mechanism = "scram-sha-512" as const;
  const kafka = new Kafka({
    ...{ brokers: [addressOf(way).bootstrap], logLevel: logLevel.NOTHING, ssl: nodeTls(way) },
    ...(!isMutual(way) && { sasl: { mechanism, username: "bob", password: PASSWORD } }),
  });
  const topic = `kafkajs-${isMutual(way) ? "mutual" : "users"}`;
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
  const producer = kafka.producer({ idempotent: true, transactionalId: topic });
  await producer.connect();
  const transaction = await producer.transaction();
  await transaction.send({ topic, messages: [{ value: way }] });
  await transaction.commit();
  const consumer = kafka.consumer({ groupId: topic });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const value = await new Promise((resolve) => {
    consumer.run({ eachMessage: async ({ message }) => resolve(message.value?.toString()) });
  });
  expect(value).toBe(way);
  for (const client of [consumer, producer, admin]) await client.disconnect();
});

it.each(WAYS)("@platformatic/kafka: %s", async (way) => {
  const mechanism = "SCRAM-SHA-512" as const;
  const topic = `platformatic-${isMutual(way) ? "mutual" : "users"}`;
  const common = {
    ...{ clientId: topic, bootstrapBrokers: [addressOf(way).bootstrap], tls: nodeTls(way) },
    ...(!isMutual(way) && { sasl: { mechanism, username: "bob", password: PASSWORD } }),
  };
  const admin = new Admin(common);
  await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 });
  const producer = new Producer({ ...common, idempotent: true });
  await producer.send({ messages: [{ topic, value: Buffer.from(way) }], acks: -1 });
  const consumer = new Consumer({ ...common, groupId: topic });
  const stream = await consumer.consume({ topics: [topic], mode: "earliest" });
  for await (const message of stream) {
    expect(message.value?.toString()).toBe(way);
    break;
  }
  await consumer.close(true);
  await producer.close();
  await admin.close();
});
