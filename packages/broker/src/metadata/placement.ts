import { ErrorCode } from "@tarpan/protocol";
import type { MetadataImage, PartitionImage } from "./image.ts";
import { type Outcome, refused } from "./outcome.ts";

export type Placed = { readonly partitions: readonly PartitionImage[] } | Outcome;

export function isRefusal<T extends object>(value: T | Outcome): value is Outcome {
  return "errorCode" in value;
}

/**
 * Places the replicas of `count` new partitions. Leaders go round the unfenced brokers, beginning
 * at `first`; further replicas are the next brokers, other racks first, so that leaders and
 * replicas spread evenly. Fenced brokers are used only if there are too few others, and never as
 * leaders (as in Kafka's StripedReplicaPlacer). A majority of the replicas must be unfenced.
 */
export function placePartitions(
  image: MetadataImage,
  count: number,
  replicationFactor: number,
  first: number,
): Placed {
  const ids = [...image.brokers.keys()].sort((a, b) => a - b);
  const up = ids.filter((id) => isUp(image, id));
  const down = ids.filter((id) => !isUp(image, id));
  if (replicationFactor > ids.length || up.length * 2 <= replicationFactor) {
    const text =
      `replication factor ${replicationFactor} needs as many brokers, a majority of them up: ` +
      `${ids.length} are registered, ${up.length} of them up`;
    return refused(ErrorCode.INVALID_REPLICATION_FACTOR, text);
  }
  const fromUp = Math.min(replicationFactor, up.length);
  const partitions = Array.from({ length: count }, (_, partition) => {
    // After each round the distance between leader and first follower grows by one.
    const shift = Math.floor(partition / up.length);
    const leader = (first + partition) % up.length;
    const order = Array.from({ length: up.length }, (__, place) => {
      const step = place === 0 ? 0 : 1 + ((shift + place - 1) % (up.length - 1));
      return up[(leader + step) % up.length]!;
    });
    const replicas = acrossRacks(image, order, fromUp);
    const more = Array.from({ length: replicationFactor - fromUp }, (__, replica) => {
      return down[(partition + replica) % down.length]!;
    });
    return newPartition([...replicas, ...more], replicas);
  });
  return { partitions };
}

/** The first `count` of `order`, but no rack gets a second one before every rack has one. */
function acrossRacks(image: MetadataImage, order: readonly number[], count: number): number[] {
  const left = [...order];
  const chosen: number[] = [];
  let racks = new Set<string | null>();
  while (chosen.length < count) {
    const rackOf = (id: number) => image.brokers.get(id)!.rack;
    let at = left.findIndex((id) => rackOf(id) === null || !racks.has(rackOf(id)));
    if (at < 0) {
      racks = new Set();
      at = 0;
    }
    const [id] = left.splice(at, 1) as [number];
    racks.add(rackOf(id));
    chosen.push(id);
  }
  return chosen;
}

function isUp(image: MetadataImage, id: number): boolean {
  return image.brokers.get(id)?.fenced === false;
}

/** The client's own assignments, one list per partition. `replicas` null allows any number. */
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
    partitions.push(newPartition(brokerIds, brokerIds));
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
  if (unknown !== undefined) return `broker ${unknown} is not registered, or is fenced`;
  if (new Set(brokerIds).size !== brokerIds.length)
    return "a partition was assigned a broker twice";
  if (brokerIds.length !== expected) {
    return `a partition was assigned ${brokerIds.length} brokers, but the others have ${expected}`;
  }
  return null;
}

function newPartition(replicas: readonly number[], isr: readonly number[]): PartitionImage {
  return {
    replicas,
    isr,
    adding: [],
    removing: [],
    leader: replicas[0]!,
    leaderEpoch: 0,
    partitionEpoch: 0,
  };
}
