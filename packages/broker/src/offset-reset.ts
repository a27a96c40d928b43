import { ErrorCode } from "@tarpan/protocol";
import type { OffsetMove, OffsetReset, ResetTarget } from "./http/broker-view.ts";
import { Refusal } from "./http/refusal.ts";
import { findByTimestamp } from "./partition/find-by-timestamp.ts";
import type { Partition } from "./partition/partition.ts";
import type { Partitions } from "./partition/partitions.ts";

/**
 * Where each partition of the reset would go; `count` is how many its topic has, `committed` what
 * the group stands at. Rejects with Refusal.
 */
export async function planReset(
  partitions: Partitions,
  count: number,
  { topic, partitions: wanted, to }: OffsetReset,
  committed: ReadonlyMap<number, number>,
): Promise<OffsetMove[]> {
  if (count === 0) throw new Refusal(400, `there is no topic ${topic}`, "topic");
  const moves: OffsetMove[] = [];
  for (const index of wanted ?? Array.from({ length: count }, (_, each) => each)) {
    const name = `${topic}-${index}`;
    const partition = partitions.find(topic, index);
    if (partition === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) {
      throw new Refusal(400, `there is no partition ${name}`, "partitions");
    }
    if (typeof partition === "number") throw new Refusal(503, `${name} is offline`);
    const from = committed.get(index) ?? null;
    if (from === null && typeof to === "object" && "shiftBy" in to) {
      throw new Refusal(400, `nothing is committed for ${name} that could be shifted`, "to");
    }
    const offset = await targetOf(partition, to, from ?? 0);
    const { startOffset } = partition.log;
    const within = Math.max(startOffset, Math.min(offset, partition.highWatermark));
    moves.push({ partition: index, from, to: within });
  }
  return moves;
}

async function targetOf(partition: Partition, to: ResetTarget, from: number): Promise<number> {
  if (to === "earliest") return partition.log.startOffset;
  if (to === "latest") return partition.highWatermark;
  if ("offset" in to) return to.offset;
  if ("shiftBy" in to) return from + to.shiftBy;
  const end = partition.highWatermark;
  // Nothing that late: what comes next will be.
  return (await findByTimestamp(partition, to.timestamp, end))?.offset ?? end;
}
