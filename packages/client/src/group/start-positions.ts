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

interface StartPosition extends TopicPartition {
  readonly offset: number;
  /** -1 if the group has committed none. */
  readonly committed: number;
}

/** Each partition's committed offset, or without one the offset that `reset` means. */
export async function startPositions(
  link: CoordinatorLink,
  client: Client,
  partitions: readonly TopicPartition[],
  reset: "earliest" | "latest" | "fail",
  isolation: IsolationLevel | undefined,
): Promise<StartPosition[]> {
  if (partitions.length === 0) return [];
  const found = await fetchOffsets(link, partitions).catch((error) => {
    if (error instanceof KafkaResponseError) link.note(error.kafkaCode);
    throw error;
  });
  const committed = new Map(found.map((at) => [partitionKey(at), at.offset]));
  return Promise.all(
    partitions.map(async (at) => {
      const { topic, partition } = at;
      const offset = committed.get(partitionKey(at));
      if (offset !== undefined) return { topic, partition, offset, committed: offset };
      if (reset === "fail")
        throw new ClientError(
          "TARPAN_NO_COMMITTED_OFFSET",
          `group ${link.key} has committed no offset for ${topic}-${partition}, and ` +
            "autoOffsetReset is fail: commit one, or use earliest or latest",
        );
      const start = await resolveOffset(client, at, reset, isolation);
      return { topic, partition, offset: start, committed: -1 };
    }),
  );
}
