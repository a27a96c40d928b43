import { ErrorCode } from "@tarpan/protocol";
import type { ReassignedTopic } from "./decide-reassign.ts";
import { aliveBrokers } from "./elect-leader.ts";
import { type MetadataImage, type PlacedPartition, partitionsOf } from "./image.ts";
import { type Outcome, refused } from "./outcome.ts";
import { targetReplicas } from "./reassignment.ts";

/** The topics to pass to `decideReassign`, or why there is no plan. */
export type ReplicaPlan = { readonly topics: readonly ReassignedTopic[] } | Outcome;

/**
 * Moves all replicas away from a broker, so that it can be removed. Each goes to the live broker
 * that has the fewest replicas, and takes the old one's position in the preferred order.
 */
export function planDecommission(image: MetadataImage, brokerId: number): ReplicaPlan {
  if (!image.brokers.has(brokerId)) {
    const text = `broker ${brokerId} is not registered`;
    return refused(ErrorCode.BROKER_ID_NOT_REGISTERED, text);
  }
  const load = replicaCounts(image);
  load.delete(brokerId);
  const plan = new PlanDraft();
  for (const placed of partitionsOf(image)) {
    const replicas = targetReplicas(placed.partition);
    if (!replicas.includes(brokerId)) continue;
    const next = leastLoaded(load, replicas);
    if (next === null) {
      const { topic, index } = placed;
      const text =
        `${topic.name}-${index} has ${replicas.length} replicas, and no other live broker can ` +
        "take one: add a broker, or lower its replication factor first";
      return refused(ErrorCode.INVALID_REPLICATION_FACTOR, text);
    }
    load.set(next, load.get(next)! + 1);
    plan.replace(placed, replicas, brokerId, next);
  }
  return { topics: plan.topics };
}

/**
 * Gives a broker that has few replicas its share, taken from the brokers that have the most. No
 * replica moves between the others.
 */
export function planRebalance(image: MetadataImage, brokerId: number): ReplicaPlan {
  const load = replicaCounts(image);
  if (!load.has(brokerId)) {
    const text = `broker ${brokerId} is not registered, or is fenced: start it first`;
    return refused(ErrorCode.BROKER_ID_NOT_REGISTERED, text);
  }
  const plan = new PlanDraft();
  let total = 0;
  for (const count of load.values()) total += count;
  const share = Math.floor(total / load.size);
  // Partition 0 of every topic, then partition 1 and so on, so that replicas of many topics move.
  const placed = [...partitionsOf(image)].sort((a, b) => a.index - b.index);
  for (const one of placed) {
    const held = load.get(brokerId)!;
    if (held >= share) break;
    const replicas = targetReplicas(one.partition);
    if (replicas.includes(brokerId)) continue;
    const donor = mostLoaded(load, replicas);
    if (donor === null || load.get(donor)! <= share) continue;
    load.set(donor, load.get(donor)! - 1);
    load.set(brokerId, held + 1);
    plan.replace(one, replicas, donor, brokerId);
  }
  return { topics: plan.topics };
}

class PlanDraft {
  readonly #topics = new Map<string, { partitionIndex: number; replicas: readonly number[] }[]>();

  replace(
    { topic, index }: PlacedPartition,
    replicas: readonly number[],
    from: number,
    to: number,
  ): void {
    const moved = replicas.map((id) => (id === from ? to : id));
    const partitions = this.#topics.get(topic.name) ?? [];
    this.#topics.set(topic.name, partitions);
    partitions.push({ partitionIndex: index, replicas: moved });
  }

  get topics(): readonly ReassignedTopic[] {
    return [...this.#topics].map(([name, partitions]) => ({ name, partitions }));
  }
}

/** How many replicas each live broker will have once all reassignments are done. */
function replicaCounts(image: MetadataImage): Map<number, number> {
  const counts = new Map([...aliveBrokers(image)].map((id) => [id, 0]));
  for (const { partition } of partitionsOf(image)) {
    for (const id of targetReplicas(partition)) {
      const count = counts.get(id);
      if (count !== undefined) counts.set(id, count + 1);
    }
  }
  return counts;
}

function leastLoaded(load: ReadonlyMap<number, number>, except: readonly number[]): number | null {
  let least: number | null = null;
  for (const [id, count] of load) {
    if (except.includes(id)) continue;
    if (least === null || count < load.get(least)!) least = id;
  }
  return least;
}

function mostLoaded(load: ReadonlyMap<number, number>, among: readonly number[]): number | null {
  let most: number | null = null;
  for (const id of among) {
    const count = load.get(id);
    if (count !== undefined && (most === null || count > load.get(most)!)) most = id;
  }
  return most;
}
