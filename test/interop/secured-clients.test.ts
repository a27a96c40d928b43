import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { Admin, Consumer, Producer } from "@platformatic/kafka";
import { Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { peer } from "../harness/peers.ts";
import { ADMIN_ROUND_TRIP, atOffsets, programPeer, SAMPLE } from "./peer.ts";
import { BOB, SecuredBroker, WAYS, type Way } from "./secured-broker.ts";
import { asker, javaArgs, PROGRAMS, type Program, tokenFor } from "./secured-programs.ts";

// Clients of the matrix over TLS, with SCRAM-SHA-512, a certificate, and a token: they produce and
// consume, and change topics or use transactions. kcat is in security.test.ts and oauth.test.ts,
// and the latter has what is refused. `npm run chaos` has all programs in all ways.

const isLong = process.env.TARPAN_CHAOS === "1";
const java = peer("java");
let broker: SecuredBroker;

beforeAll(async () => {
  broker = await SecuredBroker.start();
});

afterAll(() => broker[Symbol.asyncDispose]());

/** kafka-javascript does not send empty values. */
const sample = SAMPLE.filter(({ value }) => value !== "").map((record) => ({
  ...record,
  headers: record.headers.filter(([, value]) => value !== ""),
}));

for (const program of PROGRAMS) {
  const ways = isLong ? WAYS : program.quickly;
  if (ways.length === 0) continue;
  const use = async () => {
    const used = await Promise.all(
      ways.map(async (way) => [way, await useProgram(program, way).catch(String)]),
    );
    expect(Object.fromEntries(used)).toEqual(
      Object.fromEntries(ways.map((way) => [way, expectedOf(program, way)])),
    );
  };
  peer(program.peer).it(`${program.peer}: ${ways.join(", ")}`, use, 120_000);
}

java.it("java: mutual TLS with a PKCS#12 keystore", async (context) => {
  const { certificate, key } = broker.files;
  const keystore = join(broker.directory.path, "alice.p12");
  const password = "of-the-keystore";
  const made = ["-out", keystore, "-passout", `pass:${password}`];
  const pkcs12 = ["pkcs12", "-export", "-in", certificate, "-inkey", key, ...made];
  if (spawnSync("openssl", pkcs12).error) context.skip("there is no openssl here");
  const security = {
    "security.protocol": "SSL",
    "ssl.truststore.type": "PEM",
    "ssl.truststore.location": broker.files.ca,
    "ssl.keystore.type": "PKCS12",
    "ssl.keystore.location": keystore,
    "ssl.keystore.password": password,
  };
  const ask = programPeer(java, javaArgs(java, "Peer"), broker.addressOf("mutual TLS"));
  expect(await ask("admin", "pkcs12", { security })).toEqual(ADMIN_ROUND_TRIP);
});

const mayAlso = (way: Way) => isLong && !way.endsWith("OAUTHBEARER");

async function useProgram(program: Program, way: Way): Promise<object> {
  const ask = asker(program, broker, way);
  const topic = `${program.peer}-${way.replaceAll(" ", "-")}`;
  await broker.admin.createTopic({ name: topic });
  const records = sample.map((record) => ({ partition: 0, ...record }));
  await ask("produce", topic, { codec: "none", records });
  const wanted = { partition: 0, offset: 0, count: sample.length };
  const used: Record<string, unknown> = { ...(await ask("consume", topic, wanted)) };
  if (!mayAlso(way)) return used;
  if (program.also.includes("admin")) used.admin = await ask("admin", `${topic}-admin`, {});
  if (program.also.includes("transact")) {
    const name = `${topic}-transacted`;
    await broker.admin.createTopic({ name });
    used.values = (await ask("transact", name, {})).values;
  }
  return used;
}

function expectedOf({ also }: Program, way: Way): object {
  return {
    records: atOffsets(sample),
    ...(mayAlso(way) && also.includes("admin") && { admin: ADMIN_ROUND_TRIP }),
    ...(mayAlso(way) && also.includes("transact") && { values: ["committed"] }),
  };
}

function nodeTls(way: Way) {
  const { ca, certificate: cert, key } = broker.pem;
  return { ca, ...(way === "mutual TLS" && { cert, key }) };
}

function kafkajsSasl(way: Way) {
  if (way === "mutual TLS") return {};
  if (way === "SCRAM") return { sasl: { mechanism: "scram-sha-512" as const, ...BOB } };
  const oauthBearerProvider = async () => ({ value: tokenFor(broker, way) });
  return { sasl: { mechanism: "oauthbearer" as const, oauthBearerProvider } };
}

it.each(WAYS)("kafkajs: %s", async (way) => {
  const { bootstrap } = broker.addressOf(way);
  const kafka = new Kafka({
    ...{ brokers: [bootstrap], logLevel: logLevel.NOTHING, ssl: nodeTls(way) },
    ...kafkajsSasl(way),
  });
  const topic = `kafkajs-${way.replaceAll(" ", "-")}`;
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

function platformaticSasl(way: Way) {
  if (way === "mutual TLS") return {};
  if (way === "SCRAM") return { sasl: { mechanism: "SCRAM-SHA-512" as const, ...BOB } };
  const token = () => tokenFor(broker, way);
  return { sasl: { mechanism: "OAUTHBEARER" as const, token } };
}

it.each(WAYS)("@platformatic/kafka: %s", async (way) => {
  const topic = `platformatic-${way.replaceAll(" ", "-")}`;
  const { bootstrap } = broker.addressOf(way);
  const common = {
    ...{ clientId: topic, bootstrapBrokers: [bootstrap], tls: nodeTls(way) },
    ...platformaticSasl(way),
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
