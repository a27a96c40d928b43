import { ListOffsets } from "@tarpan/protocol";
import { assertOk, ClientError } from "../errors.ts";
import type { Client } from "./client.ts";
import type { Connection } from "./connection.ts";

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** A key for maps and sets. It is unique because topic names have no colon. */
export function partitionKey({ topic, partition }: TopicPartition): string {
  return `${topic}:${partition}`;
}

export function byTopic<T extends TopicPartition>(partitions: readonly T[]): [string, T[]][] {
  const topics = new Map<string, T[]>();
  for (const each of partitions) {
    const list = topics.get(each.topic);
    if (list === undefined) topics.set(each.topic, [each]);
    else list.push(each);
  }
  return [...topics];
}

/**
 * Where to read from: an offset, the start or end of the log, or the first record whose timestamp
 * is at or after `timestampMs` (ms since the epoch).
 */
export type OffsetSpec = number | "earliest" | "latest" | { readonly timestampMs: number };

/** Which records of transactions are read, in Kafka's names: all, or only committed ones. */
export type IsolationLevel = "read_uncommitted" | "read_committed";

export function isolationCode(level: IsolationLevel): number {
  return level === "read_committed" ? 1 : 0;
}

export const LATEST = -1n;
export const EARLIEST = -2n;

/**
 * The offset that `spec` means; the end of the log if no record is at or after a timestamp. For
 * readers of committed records the log ends at the last stable offset.
 */
export async function resolveOffset(
  client: Client,
  { topic, partition }: TopicPartition,
  spec: OffsetSpec,
  isolation: IsolationLevel = "read_uncommitted",
): Promise<number> {
  if (typeof spec === "number") return spec;
  const timestamp = typeof spec === "object" ? BigInt(spec.timestampMs) : symbolic(spec);
  const list = (time: bigint) => listOffset(client, { topic, partition }, time, isolation);
  const offset = await list(timestamp);
  return offset < 0 ? list(LATEST) : offset;
}

const symbolic = (spec: "earliest" | "latest") => (spec === "earliest" ? EARLIEST : LATEST);

function listOffset(
  client: Client,
  { topic, partition }: TopicPartition,
  timestamp: bigint,
  isolation: IsolationLevel,
): Promise<number> {
  const what = `offset of ${topic}-${partition}`;
  return client.retrying(what, async () => {
    const leader = await client.leaderOf(await client.topic(topic), partition);
    try {
      const isolationLevel = isolationCode(isolation);
      const wanted = { partitionIndex: partition, timestamp };
      return await askLeader(leader, topic, wanted, isolationLevel, client.timeoutMs);
    } catch (error) {
      client.forget(topic);
      throw error;
    }
  });
}

export function noOffset(leader: Connection, about: string): string {
  return `${leader.address} answered ListOffsets without an offset for ${about}`;
}

async function askLeader(
  leader: Connection,
  topic: string,
  wanted: { readonly partitionIndex: number; readonly timestamp: bigint },
  isolationLevel: number,
  timeoutMs: number,
): Promise<number> {
  const topics = [{ name: topic, partitions: [wanted] }];
  const body = { replicaId: -1, isolationLevel, timeoutMs, topics };
  const answer = (await leader.request(ListOffsets, body)).topics[0]?.partitions[0];
  const about = `${topic}-${wanted.partitionIndex}`;
  if (answer === undefined) throw new ClientError("TARPAN_BAD_RESPONSE", noOffset(leader, about));
  assertOk(answer.errorCode, about);
  return answer.offset;
}
