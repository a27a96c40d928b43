import type { TopicPartition } from "@tarpan/client";

/** `orders:0,1 bills:3`, as --topic takes them. */
export function partitionsText(partitions: readonly TopicPartition[]): string {
  const topics = new Map<string, number[]>();
  for (const { topic, partition } of partitions)
    topics.set(topic, [...(topics.get(topic) ?? []), partition]);
  const text = [...topics].map(([topic, list]) => `${topic}:${list.sort((a, b) => a - b)}`);
  return text.join(" ") || "-";
}
