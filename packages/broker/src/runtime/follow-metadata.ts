import { ResourceType } from "../config/kafka/set-configs.ts";
import type { TopicConfig } from "../config/kafka/typed.ts";
import type { MetadataDelta, TopicDelta } from "../metadata/delta.ts";
import type { MetadataImage, PartitionImage, TopicImage } from "../metadata/image.ts";
import type { Metadata } from "../metadata/metadata.ts";
import type { Partitions } from "../partition/partitions.ts";
import type { HostedPartition } from "../partition/slot.ts";

/** All partitions that this broker leads, with their effective settings. */
export function hostedPartitions(metadata: Metadata, image: MetadataImage): HostedPartition[] {
  return [...image.topics.values()].flatMap((topic) => ledOf(topic, metadata));
}

/** Opens, closes and configures partitions as the metadata changes. */
export function followMetadata(metadata: Metadata, partitions: Partitions): void {
  let defaults = metadata.topicConfig("");
  metadata.onChange((delta, image) => {
    for (const { id, name, now } of delta.topics) if (now === null) partitions.remove(name, id);
    for (const { id, name, index } of partitionsLost(delta, metadata.nodeId)) {
      partitions.release(name, id, index);
    }
    partitions.host(delta.topics.flatMap((topic) => changedOf(topic, metadata)));
    partitions.host(topicsWithConfigs(delta, image).flatMap((topic) => ledOf(topic, metadata)));
    const before = defaults;
    const now = metadata.topicConfig("");
    if (isEqual(before, now)) return;
    defaults = now;
    partitions.host(configuredAnew(before, metadata, partitions));
  });
}

/** Partitions that this broker no longer leads, except those of deleted topics. */
function* partitionsLost({ topics }: MetadataDelta, nodeId: number) {
  for (const { id, name, now: topic, partitions } of topics) {
    if (topic === null) continue;
    for (const { index, before, now } of partitions) {
      if (before?.leader === nodeId && now?.leader !== nodeId) yield { id, name, index };
    }
  }
}

/** The changed partitions of a topic that this broker leads. */
function changedOf({ now: topic, partitions }: TopicDelta, metadata: Metadata): HostedPartition[] {
  if (topic === null) return [];
  const led = partitions.filter(({ now }) => now?.leader === metadata.nodeId);
  if (led.length === 0) return [];
  const hostedOf = hosting(topic, metadata);
  return led.map(({ index, now }) => hostedOf(now!, index));
}

/** Topics whose own configs have changed, except deleted ones. */
function topicsWithConfigs({ configs }: MetadataDelta, { topics }: MetadataImage): TopicImage[] {
  return configs.flatMap(({ type, name }) => {
    return type === ResourceType.topic ? (topics.get(name) ?? []) : [];
  });
}

function ledOf(topic: TopicImage, metadata: Metadata): HostedPartition[] {
  const hostedOf = hosting(topic, metadata);
  const hosted: HostedPartition[] = [];
  for (const [index, partition] of topic.partitions.entries()) {
    if (partition.leader === metadata.nodeId) hosted.push(hostedOf(partition, index));
  }
  return hosted;
}

function hosting({ name: topic, id: topicId }: TopicImage, metadata: Metadata) {
  const settings = metadata.topicConfig(topic);
  return ({ leaderEpoch }: PartitionImage, partition: number): HostedPartition => {
    return { id: { topic, topicId, partition }, leaderEpoch, settings };
  };
}

/** All hosted partitions with their new settings, after the brokers' defaults have changed. */
function configuredAnew(before: TopicConfig, metadata: Metadata, partitions: Partitions) {
  const defaults = metadata.topicConfig("");
  const all: HostedPartition[] = [];
  for (const { hosted } of partitions.all()) {
    const { id, leaderEpoch } = hosted;
    const settings = hosted.settings === before ? defaults : metadata.topicConfig(id.topic);
    all.push({ id, leaderEpoch, settings });
  }
  return all;
}

/** Most changes of broker configs do not change the defaults of topics. */
function isEqual(a: TopicConfig, b: TopicConfig): boolean {
  if (a === b) return true;
  const keys = Object.keys(a) as (keyof TopicConfig)[];
  return keys.every((key) => a[key] === b[key]);
}
