import { CompressionTypes, ConfigResourceTypes, Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { useClientBroker } from "../harness/client-broker.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { base64, batchOf, createTopic, produce, readAll } from "../harness/records.ts";
import { ADMIN_ROUND_TRIP, atOffsets, SAMPLE, type Sent } from "./peer.ts";
import { produceWithGaps } from "./suite.ts";

const { address } = useClientBroker();
let kafka: Kafka;
let admin: ReturnType<Kafka["admin"]>;
let connection: RawConnection;

beforeAll(async () => {
  const { bootstrap } = address;
  kafka = new Kafka({ clientId: "kafkajs", brokers: [bootstrap], logLevel: logLevel.NOTHING });
  admin = kafka.admin();
  await admin.connect();
  connection = await RawConnection.open(address.port);
});

afterAll(async () => {
  connection.close();
  await admin.disconnect();
});

const decode = (text: string | null) => (text === null ? null : Buffer.from(text, "base64"));

function message({ key, value, headers, timestamp }: Sent, partition: number) {
  const grouped: Record<string, Buffer | Buffer[]> = {};
  for (const [name, text] of headers) {
    const before = grouped[name];
    const bytes = decode(text)!;
    grouped[name] = before === undefined ? bytes : [before, bytes].flat();
  }
  return {
    partition,
    key: decode(key),
    value: decode(value),
    headers: grouped,
    timestamp: String(timestamp),
  };
}

// kafkajs has only gzip; with our codecs plugged in, the test would show nothing.
for (const [codec, compression] of [
  ["none", CompressionTypes.None],
  ["gzip", CompressionTypes.GZIP],
] as const) {
  for (const idempotent of [false, true]) {
    it(`produces ${codec} batches${idempotent ? ", idempotently" : ""}`, async () => {
      const topic = `produced-${codec}-${idempotent}`;
      await createTopic(connection, topic, { partitions: 2 });
      const producer = kafka.producer({ idempotent });
      await producer.connect();
      const messages = SAMPLE.map((record) => message(record, 1));
      const first = await producer.send({ topic, compression, messages });
      const second = await producer.send({ topic, compression, messages });
      await producer.disconnect();
      expect([...first, ...second].map(({ baseOffset }) => Number(baseOffset))).toEqual([
        0,
        SAMPLE.length,
      ]);
      const read = await readAll(connection, topic, { partition: 1 });
      expect(read.records).toEqual(atOffsets([...SAMPLE, ...SAMPLE]));
      expect([...read.codecs]).toEqual([codec]);
    });
  }
}

it("sends records with a message id again, which are stored once", async () => {
  const topic = "once";
  const configEntries = [{ name: "tarpan.dedupe.enable", value: "true" }];
  await admin.createTopics({ topics: [{ topic, configEntries }] });
  const ids = ["a", "b", "c"];
  const messages = ids.map((id) => ({ value: id, headers: { "tarpan-message-id": id } }));
  for (const idempotent of [false, true]) {
    for (const compression of [CompressionTypes.None, CompressionTypes.GZIP]) {
      const producer = kafka.producer({ idempotent });
      await producer.connect();
      for (let round = 0; round < 2; round++) {
        const [answer] = await producer.send({ topic, compression, messages });
        expect(answer).toMatchObject({ errorCode: 0, baseOffset: "0" });
      }
      await producer.disconnect();
    }
  }
  const values = (await readAll(connection, topic)).records.map(({ value }) => value);
  expect(values).toEqual(ids.map(base64));
});

it("consumes past the offsets of records that were left out as copies", async () => {
  const expected = await produceWithGaps(connection, "gaps");
  const consumer = kafka.consumer({ groupId: "gaps", maxWaitTimeInMs: 100 });
  const offsets: number[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic: "gaps", fromBeginning: true });
  await new Promise<void>((resolve) => {
    void consumer.run({
      eachMessage: async ({ message }) => {
        offsets.push(Number(message.offset));
        if (offsets.length === expected.length) resolve();
      },
    });
  });
  await consumer.disconnect();
  expect(offsets).toEqual(expected.map(({ offset }) => offset));
});

it("creates, describes, alters, grows and deletes a topic", async () => {
  const topic = "administered";
  const resource = { type: ConfigResourceTypes.TOPIC, name: topic };
  const partitions = async () =>
    (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]!.partitions.length;
  const retention = async () => {
    const described = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [resource],
    });
    const entries = described.resources[0]!.configEntries;
    return entries.find(({ configName }) => configName === "retention.ms")!.configValue;
  };
  const config = (value: string) => [{ name: "retention.ms", value }];

  await admin.createTopics({
    topics: [{ topic, numPartitions: 2, configEntries: config("60000") }],
  });
  const createdPartitions = await partitions();
  const createdRetention = await retention();
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ ...resource, configEntries: config("120000") }],
  });
  const alteredRetention = await retention();
  await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] });
  const grownPartitions = await partitions();
  const listed = (await admin.listTopics()).includes(topic);
  const brokers = (await admin.describeCluster()).brokers.length;
  await admin.deleteTopics({ topics: [topic] });
  const listedAfterDelete = (await admin.listTopics()).includes(topic);
  expect({
    createdPartitions,
    createdRetention,
    alteredRetention,
    grownPartitions,
    listed,
    brokers,
    listedAfterDelete,
  }).toEqual(ADMIN_ROUND_TRIP);
});

it("finds offsets and deletes records", async () => {
  const topic = "offsets";
  await createTopic(connection, topic);
  for (const record of SAMPLE) await produce(connection, topic, batchOf([record]));
  const end = String(SAMPLE.length);
  expect(await admin.fetchTopicOffsets(topic)).toMatchObject([{ low: "0", high: end }]);
  const [found] = await admin.fetchTopicOffsetsByTimestamp(topic, SAMPLE[4]!.timestamp);
  expect(found).toEqual({ partition: 0, offset: "4" });
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: "3" }] });
  expect(await admin.fetchTopicOffsets(topic)).toMatchObject([{ low: "3", high: end }]);
});
