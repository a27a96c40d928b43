import { ErrorCode } from "@tarpan/protocol";
import type { MetadataImage, PartitionImage } from "./image.ts";
import { MAX_PARTITIONS_PER_REQUEST } from "./limits.ts";
import { type Outcome, refused, unknownTopic } from "./outcome.ts";
import { isRefusal, placeAsAssigned, placePartitions } from "./placement.ts";
import { type MetadataRecord, partitionRecord } from "./records.ts";
import { isInternalTopic } from "./topic-names.ts";

/** A topic of a CreatePartitions request. */
export interface PartitionsSpec {
  readonly name: string;
  /** How many partitions the topic shall have in total. */
  readonly count: number;
  /** Brokers of each new partition; null to let them be placed. */
  readonly assignments: readonly { readonly brokerIds: readonly number[] }[] | null;
}

export interface PartitionsPlan {
  readonly name: string;
  readonly topicId: string;
  /** Index of the first new partition. */
  readonly from: number;
  readonly partitions: readonly PartitionImage[];
}

export function planPartitions(
  image: MetadataImage,
  { name, count, assignments }: PartitionsSpec,
): PartitionsPlan | Outcome {
  const topic = image.topics.get(name);
  if (topic === undefined) return unknownTopic(name);
  if (isInternalTopic(name)) {
    const text = `${name} is internal: clients can't change its partitions`;
    return refused(ErrorCode.INVALID_TOPIC_EXCEPTION, text);
  }
  const from = topic.partitions.length;
  if (count <= from) {
    const text = `topic '${name}' has ${from} partition(s) already: ask for more than ${from}`;
    return refused(ErrorCode.INVALID_PARTITIONS, text);
  }
  const added = count - from;
  if (added > MAX_PARTITIONS_PER_REQUEST) {
    const text = `one request may create ${MAX_PARTITIONS_PER_REQUEST} partitions, not ${added}`;
    return refused(ErrorCode.INVALID_PARTITIONS, text);
  }
  const replicas = topic.partitions[0]!.replicas.length;
  if (assignments !== null && assignments.length !== added) {
    const text = `${added} new partition(s) need as many assignments, not ${assignments.length}`;
    return refused(ErrorCode.INVALID_REPLICA_ASSIGNMENT, text);
  }
  const lists = assignments?.map(({ brokerIds }) => brokerIds);
  const placed = lists
    ? placeAsAssigned(image, lists, replicas)
    : placePartitions(image, added, replicas, from);
  if (isRefusal(placed)) return placed;
  return { name, topicId: topic.id, from, partitions: placed.partitions };
}

/** Whether the topic still has the partitions that the plan starts from. */
export function isPlanValid(image: MetadataImage, plan: PartitionsPlan): boolean {
  return image.topicsById.get(plan.topicId)?.partitions.length === plan.from;
}

export function partitionsRecords({ topicId, from, partitions }: PartitionsPlan): MetadataRecord[] {
  return partitions.map((partition, index) => partitionRecord(topicId, from + index, partition));
}
