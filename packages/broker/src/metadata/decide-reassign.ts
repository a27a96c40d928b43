import { ErrorCode } from "@tarpan/protocol";
import type { Decision } from "../state-machine/replayed-state.ts";
import { aliveBrokers } from "./elect-leader.ts";
import type { MetadataImage, PartitionImage } from "./image.ts";
import { DONE, type Outcome, refused, type TopicOutcomes } from "./outcome.ts";
import { beginReassignment, isReassigning, targetReplicas } from "./reassignment.ts";
import { type MetadataRecord, type PartitionChange, partitionChangeRecord } from "./records.ts";

/** A topic of an AlterPartitionReassignments request. */
export interface ReassignedTopic {
  readonly name: string;
  readonly partitions: readonly {
    readonly partitionIndex: number;
    /** In the preferred order; null cancels the reassignment under way. */
    readonly replicas: readonly number[] | null;
  }[];
}

export interface ReassignOptions {
  /** KIP-860. */
  readonly allowReplicationFactorChange: boolean;
}

export interface AlterReassignmentsRequest extends ReassignOptions {
  readonly topics: readonly ReassignedTopic[];
  readonly timeoutMs: number;
}

/**
 * Begins and cancels reassignments; `decideIsr` completes them. A change of the preferred order
 * only is complete at once, and so is a cancellation.
 */
export function decideReassign(
  image: MetadataImage,
  topics: readonly ReassignedTopic[],
  { allowReplicationFactorChange }: ReassignOptions,
): Decision<MetadataRecord, TopicOutcomes[]> {
  const records: MetadataRecord[] = [];
  const alive = aliveBrokers(image);
  const reassign = (name: string, index: number, replicas: readonly number[] | null): Outcome => {
    const topic = image.topics.get(name);
    const current = topic?.partitions[index];
    if (current === undefined) {
      return refused(
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        `there is no partition ${name}-${index}`,
      );
    }
    const refusal = reassignRefusal(image, current, replicas, allowReplicationFactorChange);
    if (refusal !== null) return refusal;
    const change = beginReassignment(current, replicas, alive);
    if (change === null) return OUT_OF_SYNC;
    if (changes(current, change)) records.push(partitionChangeRecord(topic!.id, index, change));
    return DONE;
  };
  const response = topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex: partition, replicas }) => {
      return { partition, ...reassign(name, partition, replicas) };
    }),
  }));
  return { records, response };
}

const OUT_OF_SYNC = refused(
  ErrorCode.INVALID_REPLICA_ASSIGNMENT,
  "none of these replicas is in sync: wait until the present reassignment is complete",
);

/** Checks in Kafka's order. */
function reassignRefusal(
  image: MetadataImage,
  current: PartitionImage,
  replicas: readonly number[] | null,
  allowReplicationFactorChange: boolean,
): Outcome | null {
  if (replicas === null) {
    return isReassigning(current) ? null : refused(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS);
  }
  const problem = targetProblem(image, current, replicas);
  if (problem !== null) return refused(ErrorCode.INVALID_REPLICA_ASSIGNMENT, problem);
  const before = targetReplicas(current).length;
  if (allowReplicationFactorChange || before === replicas.length) return null;
  const text =
    `the replication factor would change from ${before} to ${replicas.length}, ` +
    "which the request does not allow";
  return refused(ErrorCode.INVALID_REPLICATION_FACTOR, text);
}

/** Unlike in Kafka a target must not be fenced: the engine could not place a replica there. */
function targetProblem(
  image: MetadataImage,
  current: PartitionImage,
  replicas: readonly number[],
): string | null {
  if (replicas.length === 0) return "a partition needs at least one replica";
  if (new Set(replicas).size !== replicas.length) return "a broker is named more than once";
  for (const id of replicas) {
    const broker = image.brokers.get(id);
    if (broker === undefined) return `broker ${id} is not registered`;
    if (broker.fenced && !current.replicas.includes(id)) return `broker ${id} is fenced: start it`;
  }
  return null;
}

function changes(current: PartitionImage, change: PartitionChange): boolean {
  const { replicas = [], adding = [], removing = [], isr = [], leader } = change;
  return (
    leader !== undefined ||
    !sameList(current.replicas, replicas) ||
    !sameList(current.adding, adding) ||
    !sameList(current.removing, removing) ||
    !sameList(current.isr, isr)
  );
}

function sameList(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((id, index) => id === b[index]);
}
