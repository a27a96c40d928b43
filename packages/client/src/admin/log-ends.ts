import { ErrorCode, ListOffsets } from "@tarpan/protocol";
import type { Client } from "../connection/client.ts";
import type { Connection } from "../connection/connection.ts";
import type { TopicMetadata } from "../connection/metadata.ts";
import { EARLIEST, LATEST, noOffset } from "../connection/offsets.ts";
import { sleep } from "../connection/retry.ts";
import { ClientError, KafkaResponseError, TimeoutError } from "../errors.ts";
import { LOG_ENDS_TIMEOUT_MS } from "../limits.ts";

export interface LogEnds {
  /** The log start offset. */
  readonly first: number;
  /** The offset after the last record. */
  readonly end: number;
}

/**
 * The log ends of all partitions, in the order of `topic.partitions`; an Error for each whose
 * leader does not answer within LOG_ENDS_TIMEOUT_MS. Nothing is retried: callers want the present
 * state.
 */
export async function logEnds(client: Client, topic: TopicMetadata): Promise<(LogEnds | Error)[]> {
  const byLeader = new Map<number, number[]>();
  for (const { leader, partition } of topic.partitions)
    byLeader.set(leader, [...(byLeader.get(leader) ?? []), partition]);
  const found = new Map<number, LogEnds | Error>();
  const asked = [...byLeader].map(async ([leader, partitions]) => {
    try {
      const ends = await Promise.race([
        endsFrom(client, leader, topic.name, partitions),
        timeout(leader),
      ]);
      for (const partition of partitions) found.set(partition, ends(partition));
    } catch (error) {
      for (const partition of partitions) found.set(partition, error as Error);
    }
  });
  await Promise.all(asked);
  return topic.partitions.map(({ partition }) => found.get(partition)!);
}

async function endsFrom(
  client: Client,
  nodeId: number,
  topic: string,
  partitions: readonly number[],
): Promise<(partition: number) => LogEnds | Error> {
  if (nodeId < 0) throw new KafkaResponseError(ErrorCode.LEADER_NOT_AVAILABLE, topic);
  const leader = await client.connectionTo(nodeId);
  const [first, end] = await Promise.all([
    list(leader, topic, partitions, EARLIEST),
    list(leader, topic, partitions, LATEST),
  ]);
  return (partition) => {
    const [from, to] = [first.get(partition), end.get(partition)];
    if (from === undefined || to === undefined)
      return new ClientError("TARPAN_BAD_RESPONSE", noOffset(leader, `${topic}-${partition}`));
    const errorCode = from.errorCode || to.errorCode;
    if (errorCode !== 0) return new KafkaResponseError(errorCode, `${topic}-${partition}`);
    return { first: from.offset, end: to.offset };
  };
}

async function timeout(nodeId: number): Promise<never> {
  await sleep(LOG_ENDS_TIMEOUT_MS);
  throw new TimeoutError(`broker ${nodeId} did not answer within ${LOG_ENDS_TIMEOUT_MS} ms`);
}

async function list(
  leader: Connection,
  topic: string,
  partitions: readonly number[],
  timestamp: bigint,
) {
  const timeoutMs = LOG_ENDS_TIMEOUT_MS;
  const wanted = partitions.map((partitionIndex) => ({ partitionIndex, timestamp }));
  const topics = [{ name: topic, partitions: wanted }];
  const answer = await leader.request(ListOffsets, {
    replicaId: -1,
    isolationLevel: 0,
    timeoutMs,
    topics,
  });
  return new Map(answer.topics[0]?.partitions.map((each) => [each.partitionIndex, each]));
}
