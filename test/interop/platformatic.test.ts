import {
  Admin,
  ConfigResourceTypes,
  Consumer,
  compressionsAlgorithms,
  IncrementalAlterConfigOperationTypes,
  Producer,
} from "@platformatic/kafka";
import { afterAll, beforeAll, expect, it } from "vitest";
import { useClientBroker } from "../harness/client-broker.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { batchOf, CODECS, createTopic, produce, readAll } from "../harness/records.ts";
import { ADMIN_ROUND_TRIP, atOffsets, SAMPLE, type Sent } from "./peer.ts";

const { address } = useClientBroker();
const options = () => ({ clientId: "platformatic", bootstrapBrokers: [address.bootstrap] });
let admin: Admin;
let connection: RawConnection;

beforeAll(async () => {
  admin = new Admin(options());
  connection = await RawConnection.open(address.port);
});

afterAll(async () => {
  connection.close();
  await admin.close();
});

// Its headers are a map, so a name can't occur twice.
const sample = SAMPLE.map((record) => ({
  ...record,
  headers: record.headers.filter(([name]) => name !== "twice"),
}));

function message({ key, value, headers, timestamp }: Sent, topic: string, partition: number) {
  const decode = (text: string) => Buffer.from(text, "base64");
  return {
    topic,
    partition,
    timestamp: BigInt(timestamp),
    headers: new Map(headers.map(([name, text]) => [Buffer.from(name), decode(text!)])),
    ...(key === null ? {} : { key: decode(key) }),
    ...(value === null ? {} : { value: decode(value) }),
  };
}

for (const codec of CODECS) {
  for (const idempotent of [false, true]) {
    it(`produces ${codec} batches${idempotent ? ", idempotently" : ""}`, async (context) => {
      const { available } = compressionsAlgorithms[codec];
      if (!available) context.skip(`@platformatic/kafka has no ${codec} on this Node`);
      const topic = `produced-${codec}-${idempotent}`;
      await createTopic(connection, topic, { partitions: 2 });
      const producer = new Producer({ ...options(), idempotent, compression: codec });
      const messages = sample.map((record) => message(record, topic, 1));
      for (const firstOffset of [0, sample.length]) {
        const { offsets } = await producer.send({ messages, acks: -1 });
        expect(offsets).toEqual([{ topic, partition: 1, offset: BigInt(firstOffset) }]);
      }
      await producer.close();
      const read = await readAll(connection, topic, { partition: 1 });
      expect(read.records).toEqual(atOffsets([...sample, ...sample]));
      expect([...read.codecs]).toEqual([codec]);
    });
  }
}

it("creates, describes, alters, grows and deletes a topic", async () => {
  const topic = "administered";
  const metadata = () => admin.metadata({ topics: [topic], forceUpdate: true });
  const partitions = async () => (await metadata()).topics.get(topic)!.partitionsCount;
  const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: topic };
  const retention = async () => {
    const [described] = await admin.describeConfigs({ resources: [resource] });
    return described!.configs.find(({ name }) => name === "retention.ms")!.value;
  };

  const configs = [{ name: "retention.ms", value: "60000" }];
  const [created] = await admin.createTopics({ topics: [topic], partitions: 2, configs });
  expect(created).toMatchObject({ name: topic, partitions: 2, replicas: 1 });
  const createdPartitions = await partitions();
  const createdRetention = await retention();
  const configOperation = IncrementalAlterConfigOperationTypes.SET;
  const change = { name: "retention.ms", configOperation, value: "120000" };
  await admin.incrementalAlterConfigs({ resources: [{ ...resource, configs: [change] }] });
  const alteredRetention = await retention();
  await admin.createPartitions({ topics: [{ name: topic, count: 3, assignments: null }] });
  const grownPartitions = await partitions();
  const listed = (await admin.listTopics()).includes(topic);
  const brokers = (await metadata()).brokers.size;
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

it("lists offsets, and fetches by topic id without a group", async () => {
  const topic = "fetched";
  await createTopic(connection, topic);
  for (const record of SAMPLE) await produce(connection, topic, batchOf([record]));
  const consumer = new Consumer({ ...options(), groupId: "unused" });
  const end = await consumer.listOffsets({ topics: [topic], timestamp: -1n });
  expect(end).toEqual(new Map([[topic, [BigInt(SAMPLE.length)]]]));
  const { id, partitions } = (await admin.metadata({ topics: [topic] })).topics.get(topic)!;
  const node = partitions[0]!.leader;
  const wanted = {
    partition: 0,
    currentLeaderEpoch: -1,
    fetchOffset: 2n,
    lastFetchedEpoch: -1,
    partitionMaxBytes: 1_000_000,
  };
  const fetched = await consumer.fetch({ node, topics: [{ topicId: id, partitions: [wanted] }] });
  const [answer] = fetched.responses[0]!.partitions;
  expect(answer).toMatchObject({ errorCode: 0, highWatermark: BigInt(SAMPLE.length) });
  const batches = answer!.records!;
  expect(batches.map(({ firstOffset }) => Number(firstOffset))).toEqual([2, 3, 4, 5, 6]);
  await consumer.close(true);
});
