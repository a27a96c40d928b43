// Measures how long the listeners of the metadata take for one change, with 10,000 partitions, in
// this process: `npx tsx --conditions=tarpan-source bench/metadata-changes.ts`.
import { deleteLogsOfTopics } from "../packages/broker/src/cluster/deleted-topics.ts";
import { logBrokerChanges } from "../packages/broker/src/cluster/log-broker-changes.ts";
import { ResourceType } from "../packages/broker/src/config/kafka/set-configs.ts";
import { nodeEnv } from "../packages/broker/src/env/node-env.ts";
import { GroupCoordinator } from "../packages/broker/src/groups/group-coordinator.ts";
import { MemoryEngine } from "../packages/broker/src/log/memory.ts";
import { silentLogger } from "../packages/broker/src/logging/logger.ts";
import { applyMetadata } from "../packages/broker/src/metadata/apply.ts";
import { deltaBetween } from "../packages/broker/src/metadata/delta.ts";
import { EMPTY_IMAGE, type MetadataImage } from "../packages/broker/src/metadata/image.ts";
import { Metadata } from "../packages/broker/src/metadata/metadata.ts";
import type { Controller } from "../packages/broker/src/metadata/operations.ts";
import {
  configRecord,
  type MetadataRecord,
  partitionChangeRecord,
  partitionRecord,
  producerIdsRecord,
  registerBrokerRecord,
  removeTopicRecord,
  topicRecord,
} from "../packages/broker/src/metadata/records.ts";
import { followMetadata } from "../packages/broker/src/runtime/follow-metadata.ts";
import { newPartitions } from "../packages/broker/src/runtime/new-partitions.ts";

const PARTITIONS = 10_000;
const BROKERS = [1, 2, 3];
const ROUNDS = 300;

for (const perTopic of [1, 100, 10_000]) await measure(PARTITIONS / perTopic, perTopic);
process.exit(0);

async function measure(topics: number, perTopic: number): Promise<void> {
  const { metadata, follow } = await broker(topics, perTopic);
  console.log(`\n${topics} topics of ${perTopic} partitions: p50, p90, p99 in ms`);
  const other = Math.floor(topics / 2);
  const changes: Record<string, (round: number) => MetadataRecord[]> = {
    "ISR of one partition": (round) => [
      partitionChangeRecord(idOf(round % topics), 0, { isr: [1, 2] }),
    ],
    "leader of one partition": () => [
      partitionChangeRecord(idOf(other), 1 % perTopic, { leader: 2 }),
    ],
    "a topic is created": (round) => newTopic(`new-${round}`, topics + round, 1, () => 2),
    "a topic is deleted": (round) => [removeTopicRecord(idOf(topics + round))],
    "a config of one topic": (round) => [
      configRecord(ResourceType.topic, nameOf(other), "retention.ms", String(round + 1_000)),
    ],
    "a config of all brokers": (round) => [
      configRecord(ResourceType.broker, "", "log.retention.ms", String(round + 1_000)),
    ],
    "segment size of all topics": (round) => [
      configRecord(ResourceType.broker, "", "log.segment.bytes", String(round + 1_000_000)),
    ],
    "a broker is fenced": (round) => [brokerRecord(3, round % 2 === 0)],
    "a block of producer ids": (round) => [producerIdsRecord(1, (round + 1) * 1_000)],
  };
  for (const [name, records] of Object.entries(changes)) {
    const timesMs: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const next = applyMetadata(metadata.image, records(round));
      const startedMs = performance.now();
      follow(next);
      timesMs.push(performance.now() - startedMs);
    }
    timesMs.sort((a, b) => a - b);
    const at = (part: number) => timesMs[Math.floor(timesMs.length * part)]!.toFixed(3).padStart(8);
    console.log(`${name.padEnd(28)}${at(0.5)}${at(0.9)}${at(0.99)}`);
  }
}

/** Broker 1 of three, with all listeners of its metadata, also those of the controller. */
async function broker(topics: number, perTopic: number) {
  const engine = new MemoryEngine(nodeEnv);
  const env = nodeEnv;
  const logger = silentLogger;
  const parts = { engine, env, logger, nodeId: 1, metadata: () => metadata };
  const partitions = newPartitions(parts);
  const metadata: Metadata = new Metadata({
    nodeId: 1,
    clusterId: "bench",
    kafkaConfigs: {},
    env,
    image: EMPTY_IMAGE,
    controller: {} as Controller,
    controllerId: () => 1,
    endOffset: () => 0,
    isolated: () => false,
    failure: () => null,
  });
  followMetadata(metadata, partitions);
  new GroupCoordinator({ env, metadata, partitions, logger });
  metadata.onChange((delta, now) => logBrokerChanges(delta, now, { logger, named: String }));
  let image: MetadataImage = EMPTY_IMAGE;
  const records = BROKERS.map((id) => brokerRecord(id, false));
  for (let i = 0; i < topics; i++) {
    records.push(...newTopic(nameOf(i), i, perTopic, (index) => BROKERS[(i + index) % 3]!));
  }
  records.push(...newTopic("__consumer_offsets", 1e9, 50, (index) => BROKERS[index % 3]!));
  image = applyMetadata(image, records);
  const logs = [...image.topics.values()].flatMap(({ name: topic, id: topicId, partitions: all }) =>
    all.flatMap(({ leader }, partition) =>
      leader === 1 ? { id: { topic, topicId, partition }, replicas: [1] } : [],
    ),
  );
  await partitions.createLogs(logs);
  metadata.advance(image);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const follow = (next: MetadataImage) => {
    const previous = metadata.image;
    metadata.advance(next);
    void deleteLogsOfTopics(engine, logger, deltaBetween(previous, next));
  };
  return { metadata, follow };
}

function newTopic(
  name: string,
  number: number,
  count: number,
  leaderOf: (index: number) => number,
): MetadataRecord[] {
  const partitions = Array.from({ length: count }, (_, index) => {
    const leader = leaderOf(index);
    const replicas = [leader, (leader % 3) + 1];
    const rest = { isr: replicas, adding: [], removing: [], leaderEpoch: 0, partitionEpoch: 0 };
    return partitionRecord(idOf(number), index, { leader, replicas, ...rest });
  });
  return [topicRecord(name, idOf(number)), ...partitions];
}

function brokerRecord(id: number, fenced: boolean): MetadataRecord {
  const at = { host: `host-${id}`, port: 9092, rack: null, features: [] };
  return registerBrokerRecord({ ...at, id, epoch: 0, incarnationId: idOf(id), fenced });
}

function nameOf(number: number): string {
  return `topic-${number}`;
}

function idOf(number: number): string {
  return `00000000-0000-0000-0000-${String(number).padStart(12, "0")}`;
}
