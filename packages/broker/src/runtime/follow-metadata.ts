import type { MetadataImage } from "../metadata/image.ts";
import type { Metadata } from "../metadata/metadata.ts";
import type { Partitions } from "../partition/partitions.ts";
import type { HostedPartition } from "../partition/slot.ts";

/** The partitions of some topics that this broker leads, with their settings in force. */
export function hostedPartitions(
  metadata: Metadata,
  image: MetadataImage,
  isWanted: (topic: string) => boolean = () => true,
): HostedPartition[] {
  const hosted: HostedPartition[] = [];
  for (const { name, id: topicId, partitions } of image.topics.values()) {
    if (!isWanted(name)) continue;
    const settings = metadata.configs.topic(image, name);
    partitions.forEach(({ leader, leaderEpoch }, partition) => {
      if (leader !== metadata.nodeId) return;
      hosted.push({ id: { topic: name, topicId, partition }, leaderEpoch, settings });
    });
  }
  return hosted;
}

/** Keeps the hosted partitions as the metadata says they are. */
export function followMetadata(metadata: Metadata, partitions: Partitions): void {
  metadata.onChange((previous, next) => {
    for (const { name, id } of previous.topics.values()) {
      if (next.topics.get(name)?.id !== id) partitions.remove(name, id);
    }
    // A config may be the default of any topic, so a change of one concerns them all.
    const configsChanged = previous.configs !== next.configs;
    const isChanged = (topic: string) =>
      configsChanged || previous.topics.get(topic) !== next.topics.get(topic);
    for (const { name, id, index } of partitionsLost(previous, next, metadata.nodeId)) {
      partitions.release(name, id, index);
    }
    partitions.host(hostedPartitions(metadata, next, isChanged));
  });
}

/** Partitions of topics that stay which this broker led and leads no more. */
function* partitionsLost(previous: MetadataImage, next: MetadataImage, nodeId: number) {
  for (const topic of previous.topics.values()) {
    const { name, id } = topic;
    const now = next.topics.get(name);
    if (now === topic || now?.id !== id) continue;
    for (const [index, { leader }] of topic.partitions.entries()) {
      if (leader === nodeId && now.partitions[index]?.leader !== nodeId) yield { name, id, index };
    }
  }
}
