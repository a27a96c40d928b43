import { findByTimestamp } from "../partition/find-by-timestamp.ts";
import type { Partition } from "../partition/partition.ts";
import type { Partitions } from "../partition/partitions.ts";
import { KafkaError } from "../util/kafka-error.ts";
import { AdminError } from "./admin-error.ts";
import type { OffsetMove, ResetTarget } from "./groups-admin.ts";

/** A partition of a reset, and the group's committed offset there. */
export interface ResetFrom {
  readonly partition: number;
  readonly from: number | null;
}

/** The target offsets of partitions that this broker leads. Rejects with AdminError. */
export async function targetsOf(
  partitions: Partitions,
  topic: string,
  to: ResetTarget,
  wanted: readonly ResetFrom[],
): Promise<OffsetMove[]> {
  const moves: OffsetMove[] = [];
  for (const { partition: index, from } of wanted) {
    const name = `${topic}-${index}`;
    const partition = partitions.find(topic, index);
    if (typeof partition === "number") throw new AdminError("unavailable", `${name} is offline`);
    if (from === null && typeof to === "object" && "shiftBy" in to) {
      throw new AdminError(
        "invalid",
        `the group has no committed offset for ${name} that could be shifted`,
        {
          field: "to",
        },
      );
    }
    const offset = await targetOf(partition, to, from ?? 0).catch((error: unknown) => {
      throw error instanceof KafkaError
        ? new AdminError("unavailable", `${name} can't be read now`)
        : error;
    });
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
  // Every record is older, so the group continues with the next one that is produced.
  return (await findByTimestamp(partition, to.timestamp, end))?.offset ?? end;
}
