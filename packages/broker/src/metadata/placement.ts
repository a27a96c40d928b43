import { ErrorCode } from "@tarpan/protocol";
import type { MetadataImage, PartitionImage } from "./image.ts";
import { type Outcome, refused } from "./outcome.ts";

export type Placed = { readonly partitions: readonly PartitionImage[] } | Outcome;

export function isRefusal<T extends object>(value: T | Outcome): value is Outcome {
  return "errorCode" in value;
}

/**
 * Replicas for `count` new partitions: leaders go round the brokers that are up, beginning at
 * `first`, and each further replica is the next broker, so that leaders and replicas spread evenly.
 */
export function placePartitions(
  image: MetadataImage,
  count: number,
  replicationFactor: number,
  first: number,
): Placed {
  const ids = [...image.brokers.values()].filter((broker) => !broker.fenced).map(({ id }) => id);
  ids.sort((a, b) => a - b);
  if (replicationFactor > ids.length) {
    const text = `replication factor ${replicationFactor} needs as many brokers, ${ids.length} are up`;
    return refused(ErrorCode.INVALID_REPLICATION_FACTOR, text);
  }
  const partitions = Array.from({ length: count }, (_, partition) => {
    // Once round, the distance between leader and first follower grows by one.
    const shift = Math.floor(partition / ids.length);
    const leader = (first + partition) % ids.length;
    return newPartition(
      Array.from({ length: replicationFactor }, (__, replica) => {
        const step = replica === 0 ? 0 : 1 + ((shift + replica - 1) % (ids.length - 1));
        return ids[(leader + step) % ids.length]!;
      }),
    );
  });
  return { partitions };
}

/** Replicas as the client wants them, one list per partition. `replicas` null takes any number. */
export function placeAsAssigned(
  image: MetadataImage,
  assignments: readonly (readonly number[])[],
  replicas: number | null,
): Placed {
  const partitions: PartitionImage[] = [];
  let expected = replicas;
  for (const brokerIds of assignments) {
    expected ??= brokerIds.length;
    const problem = assignmentProblem(image, brokerIds, expected);
    if (problem !== null) return refused(ErrorCode.INVALID_REPLICA_ASSIGNMENT, problem);
    partitions.push(newPartition(brokerIds));
  }
  return { partitions };
}

function assignmentProblem(
  image: MetadataImage,
  brokerIds: readonly number[],
  expected: number,
): string | null {
  if (brokerIds.length === 0) return "a partition was assigned no brokers";
  const unknown = brokerIds.find((id) => image.brokers.get(id)?.fenced !== false);
  if (unknown !== undefined) return `broker ${unknown} is not there or not up`;
  if (new Set(brokerIds).size !== brokerIds.length)
    return "a partition was assigned a broker twice";
  if (brokerIds.length !== expected) {
    return `a partition was assigned ${brokerIds.length} brokers, the others have ${expected}`;
  }
  return null;
}

function newPartition(replicas: readonly number[]): PartitionImage {
  return {
    replicas,
    isr: replicas,
    adding: [],
    removing: [],
    leader: replicas[0]!,
    leaderEpoch: 0,
    partitionEpoch: 0,
  };
}
