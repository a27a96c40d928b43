import { ErrorCode } from "@tarpan/protocol";
import type { Partition } from "../partition/partition.ts";
import type { Partitions } from "../partition/partitions.ts";
import type { Followers, ReadablePartition } from "../partition/readable-partition.ts";

/** The partitions that a broker can read: those it leads, and those it follows. */
export interface ReadSource {
  readonly partitions: Partitions;
  /** Left out on a standalone broker. */
  readonly followers?: Followers;
}

/**
 * The partition to read from, led or followed here, or the error code for the client. If this
 * broker leads it, the result is a `Partition` and not a promise.
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
    // This broker may lead it by now.
    return typeof followed === "number" ? partitions.find(topic, index) : followed;
  });
}
