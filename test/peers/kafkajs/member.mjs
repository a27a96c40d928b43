// A member of a group until it is told to end by SIGTERM: see test/harness/group-member.ts.

import { readFileSync } from "node:fs";
import { Kafka, logLevel } from "kafkajs";

const request = JSON.parse(readFileSync(0, "utf8"));
const tell = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);

const kafka = new Kafka({
  clientId: "kafkajs",
  brokers: [request.bootstrap],
  logLevel: logLevel.NOTHING,
  retry: { initialRetryTime: 100, maxRetryTime: 500, retries: 100 },
});
const consumer = kafka.consumer({
  groupId: request.group,
  sessionTimeout: request.sessionTimeoutMs,
  heartbeatInterval: request.heartbeatIntervalMs,
  rebalanceTimeout: 10_000,
  maxWaitTimeInMs: 100,
});

// The GROUP_JOIN event has no generation: the next heartbeat or commit event has.
let partitions = [];
let generation = null;
const tellOwned = () => tell({ event: "owns", generation, partitions });
consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
  partitions = payload.memberAssignment[request.topic] ?? [];
  generation = null;
  tellOwned();
});
const noteGeneration = ({ payload }) => {
  if (generation === payload.groupGenerationId) return;
  generation = payload.groupGenerationId;
  tellOwned();
};
consumer.on(consumer.events.HEARTBEAT, noteGeneration);
consumer.on(consumer.events.COMMIT_OFFSETS, noteGeneration);
consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
  tell({ event: "failed", error: `${error.name} ${error.message}, restart: ${restart}` });
  // kafkajs crashes for good if a broker dies between FindCoordinator and its response.
  if (!restart && error.message === "Failed to find group coordinator") begin();
});
consumer.on(consumer.events.REBALANCING, () => {
  partitions = [];
  generation = null;
  tellOwned();
});

process.once("SIGTERM", async () => {
  await consumer.disconnect();
  tell({ event: "left" });
  process.exit(0);
});

async function begin() {
  await consumer.connect();
  await consumer.subscribe({ topic: request.topic, fromBeginning: true });
  await consumer.run({ autoCommit: false, eachBatch: take });
}

async function take({ batch, isStale, commitOffsetsIfNecessary }) {
  if (isStale()) return;
  const offsets = batch.messages.map(({ offset }) => Number(offset));
  tell({ event: "records", partition: batch.partition, offsets });
  const next = offsets.at(-1) + 1;
  const partitions = [{ partition: batch.partition, offset: String(next) }];
  await commitOffsetsIfNecessary({ topics: [{ topic: request.topic, partitions }] });
  tell({ event: "committed", offsets: { [batch.partition]: next } });
}

await begin();
