import type { Client } from "../connection/client.ts";
import type { CoordinatorLink } from "../connection/coordinator-link.ts";
import {
  type IsolationLevel,
  partitionKey,
  resolveOffset,
  type TopicPartition,
} from "../connection/offsets.ts";
import { ClientError, KafkaResponseError } from "../errors.ts";
import { fetchOffsets } from "./group-offsets.ts";
import type { Membership } from "./membership.ts";

interface StartPosition extends TopicPartition {
  readonly offset: number;
  /** -1 if the group has committed none. */
  readonly committed: number;
  /** Of the committed offset; "" without one. */
  readonly metadata: string;
}

/** Each partition's committed offset, or without one the offset that `reset` means. */
export async function startPositions(
  link: CoordinatorLink,
  membership: Membership,
  client: Client,
  partitions: readonly TopicPartition[],
  reset: "earliest" | "latest" | "fail",
  isolation: IsolationLevel | undefined,
): Promise<StartPosition[]> {
  if (partitions.length === 0) return [];
  const about = `offsets of group ${link.key}`;
  const found = await fetchOffsets(link, membership.reader, partitions).catch((error) => {
    throw error instanceof KafkaResponseError ? membership.refused(error.kafkaCode, about) : error;
  });
  const committed = new Map(found.map((at) => [partitionKey(at), at]));
  return Promise.all(
    partitions.map(async (at) => {
      const { topic, partition } = at;
      const known = committed.get(partitionKey(at));
      if (known !== undefined) {
        const { offset, metadata = "" } = known;
        return { topic, partition, offset, committed: offset, metadata };
      }
      if (reset === "fail")
        throw new ClientError(
          "TARPAN_NO_COMMITTED_OFFSET",
          `group ${link.key} has committed no offset for ${topic}-${partition}, and ` +
            "autoOffsetReset is fail: commit one, or use earliest or latest",
        );
      const start = await resolveOffset(client, at, reset, isolation);
      return { topic, partition, offset: start, committed: -1, metadata: "" };
    }),
  );
}
