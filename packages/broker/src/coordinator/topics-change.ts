import type { MetadataDelta, TopicDelta } from "../metadata/delta.ts";

/** Names of topics whose set of partitions differs; a topic that was recreated is in both lists. */
export interface TopicsChange {
  readonly deleted: readonly string[];
  /** Created, or given more partitions. */
  readonly changed: readonly string[];
}

/** Null when only leaders, replicas or their state changed: coordinators don't look at these. */
export function topicsChangeOf({ topics }: MetadataDelta): TopicsChange | null {
  const deleted = topics.filter(({ now }) => now === null).map(nameOf);
  const changed = topics.filter(hasMorePartitions).map(nameOf);
  return deleted.length + changed.length === 0 ? null : { deleted, changed };
}

function hasMorePartitions({ before, now }: TopicDelta): boolean {
  return now !== null && now.partitions.length !== before?.partitions.length;
}

function nameOf({ name }: TopicDelta): string {
  return name;
}
