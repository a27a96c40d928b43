import { Admin, Client, Producer } from "@tarpan/client";
import { expect } from "vitest";
import type { Cluster } from "../harness/cluster.ts";
import { isLong } from "./chaos.ts";
import { kafkajs } from "./load/kafkajs-client.ts";

const TOPIC = "compacted";
const KEYS = 7;
const RECORDS = 180;
const CONFIGS = { "cleanup.policy": "compact", "segment.bytes": `${1 << 20}` };
const COMPACTED_LIMIT_MS = 30_000;

export const cleanerFlags = ["--kafka", "log.cleaner.backoff.ms=500"];

/** A consumer gets the last value of each key at its offset, also when its leader was killed. */
export async function keepsLastValues(cluster: Cluster): Promise<void> {
  const { leaderId, last } = await produceAll(cluster);
  const leader = cluster.byId(leaderId);
  const isCompacted = () => leader.broker.output.includes(`${TOPIC}-0: compacted`);
  await expect.poll(isCompacted, { timeout: COMPACTED_LIMIT_MS }).toBe(true);
  await expectCompacted(cluster, last);
  if (!isLong) return;
  await leader.kill9("both");
  try {
    await expectCompacted(cluster, last);
  } finally {
    await leader.start();
    await cluster.settled();
  }
}

/** Resolves to the leader's id, and the offset of each key's last record. */
async function produceAll({ bootstrap, nodes }: Cluster) {
  const client = new Client({ bootstrap });
  const admin = new Admin(client);
  const topic = { name: TOPIC, partitions: 1, replicas: nodes.length, configs: CONFIGS };
  await admin.createTopic(topic);
  const producer = new Producer(client);
  const last = new Map<string, number>();
  for (let i = 0; i < RECORDS; i++) {
    const record = { topic: TOPIC, partition: 0, key: `k${(i * i) % KEYS}`, value: textOf(i) };
    const { offset } = await producer.send(record);
    last.set(record.key, offset);
  }
  await producer.close();
  const { leader } = (await admin.describeTopic(TOPIC)).partitions[0]!;
  await client.close();
  return { leaderId: leader, last };
}

function textOf(i: number): string {
  return `${i} `.repeat(5000);
}

async function expectCompacted(cluster: Cluster, last: ReadonlyMap<string, number>): Promise<void> {
  const found = await consumeAll(cluster);
  expect(found.length).toBeLessThan(RECORDS / 2);
  expect(new Map(found.map(({ key, offset }) => [key, offset]))).toEqual(last);
  for (const { offset, value } of found) expect(value).toBe(textOf(offset));
}

async function consumeAll(cluster: Cluster) {
  const groupId = `compacted-${performance.now()}`;
  const consumer = kafkajs(cluster, groupId).consumer({ groupId });
  const found: { key: string; offset: number; value: string }[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
  await new Promise<void>((resolve) => {
    void consumer.run({
      eachMessage: async ({ message }) => {
        const offset = Number(message.offset);
        found.push({ key: `${message.key}`, offset, value: `${message.value}` });
        if (offset === RECORDS - 1) resolve();
      },
    });
  });
  await consumer.disconnect();
  return found;
}
