import { ErrorCode } from "@tarpan/protocol";
import type { Partition } from "../partition/partition.ts";
import type { Partitions } from "../partition/partitions.ts";
import type { Followers, ReadablePartition } from "../partition/readable-partition.ts";

/** Where a broker's partitions are found: those it leads, and those it follows. */
export interface ReadSource {
  readonly partitions: Partitions;
  /** Left out where there is nobody to follow. */
  readonly followers?: Followers;
}

/**
 * The partition to read from, led here or followed, or the error code a client is to be given. One
 * that is led is a `Partition`, and answered at once.
 */
export function findReadable(
  { partitions, followers }: ReadSource,
  topic: string | null,
  index: number,
): Partition | ErrorCode | Promise<ReadablePartition | ErrorCode> {
  if (topic === null) return ErrorCode.UNKNOWN_TOPIC_ID;
  const led = partitions.find(topic, index);
  if (led !== ErrorCode.NOT_LEADER_OR_FOLLOWER || followers === undefined) return led;
  return followers.find(topic, index).then((followed) => {
    // It may be led here by now.
    return typeof followed === "number" ? partitions.find(topic, index) : followed;
  });
}
