import { ErrorCode, ListOffsets, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { validateLeaderEpoch } from "../fetch/read-partitions.ts";
import { findByTimestamp, findMaxTimestamp } from "../partition/find-by-timestamp.ts";
import type { Partition } from "../partition/partition.ts";
import { type RequestedPartition, waitUntilLed } from "../partition/pending-changes.ts";
import { onEach } from "../security/permission.ts";
import { KafkaError } from "../util/kafka-error.ts";
import { splitTopics } from "./allowed.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * ListOffsets: v1-11.
 * v2 isolation level · v4 leader epoch · v6 flexible · v7 max timestamp (KIP-734) · v8 earliest
 * local (KIP-405) · v9 latest tiered (KIP-1005) · v10 timeoutMs, for tiered storage only · v11
 * earliest pending upload (KIP-1023).
 * Waits up to TAKE_OVER_WAIT_MS for a partition that this broker is about to lead.
 * Not done: tiered storage, so "earliest local" is the earliest, and "latest tiered" and
 * "earliest pending upload" are none, as in Kafka without it.
 */
export const listOffsets = handler({
  api: ListOffsets,
  versions: "1-11",
  authorize: [onEach("describe", "topic")],
  handle,
  failure,
});

type Request = RequestOf<typeof ListOffsets>;
type Response = ResponseInput<typeof ListOffsets>;
type Topic = Request["topics"][number];
type Wanted = Topic["partitions"][number];
type Found = Response["topics"][number]["partitions"][number];

/** Special values of the timestamp, and the first version of each. */
const LATEST = -1n;
const EARLIEST = -2n;
const MAX_TIMESTAMP = -3n;
const EARLIEST_LOCAL = -4n;
const LATEST_TIERED = -5n;
const EARLIEST_PENDING_UPLOAD = -6n;
const SINCE_VERSION = new Map([
  [LATEST, 1],
  [EARLIEST, 1],
  [MAX_TIMESTAMP, 7],
  [EARLIEST_LOCAL, 8],
  [LATEST_TIERED, 9],
  [EARLIEST_PENDING_UPLOAD, 11],
]);

const READ_COMMITTED = 1;

async function handle(request: Request, context: RequestContext): Promise<Response> {
  const repeated = repeatedPartitions(request);
  const { allowed, denied } = splitTopics(context, "describe", request.topics);
  await waitUntilLed(context.services, allowed.flatMap(askedOf));
  const topics = [...refuse(denied, ErrorCode.TOPIC_AUTHORIZATION_FAILED)];
  for (const { name, partitions } of allowed) {
    const found: Found[] = [];
    for (const wanted of partitions) {
      const { partitionIndex } = wanted;
      const answer = repeated.has(`${name}-${partitionIndex}`)
        ? { errorCode: ErrorCode.INVALID_REQUEST }
        : await find(name, wanted, request.isolationLevel === READ_COMMITTED, context);
      found.push({ partitionIndex, ...answer });
    }
    topics.push({ name, partitions: found });
  }
  return { topics };
}

function askedOf({ name, partitions }: Request["topics"][number]): RequestedPartition[] {
  return partitions.map(({ partitionIndex, currentLeaderEpoch }) => {
    return { topic: name, partition: partitionIndex, leaderEpoch: currentLeaderEpoch };
  });
}

type Answer = Omit<Found, "partitionIndex">;
const NOTHING: Answer = { errorCode: ErrorCode.NONE };

async function find(
  topic: string,
  { partitionIndex, currentLeaderEpoch, timestamp }: Wanted,
  readCommitted: boolean,
  { services, version }: RequestContext,
): Promise<Answer> {
  if (timestamp < 0n && version < (SINCE_VERSION.get(timestamp) ?? Infinity)) {
    return { errorCode: ErrorCode.UNSUPPORTED_VERSION };
  }
  const partition = services.partitions.find(topic, partitionIndex);
  if (typeof partition === "number") return { errorCode: partition };
  const epochError = validateLeaderEpoch(partition, currentLeaderEpoch);
  if (epochError !== ErrorCode.NONE) return { errorCode: epochError };
  const end = readCommitted ? partition.lastStableOffset : partition.highWatermark;
  switch (timestamp) {
    case LATEST:
      return at(end, partition.leaderEpoch);
    case EARLIEST:
    case EARLIEST_LOCAL: {
      const { startOffset } = partition.log;
      return at(startOffset, partition.epochAt(startOffset));
    }
    case LATEST_TIERED:
    case EARLIEST_PENDING_UPLOAD:
      return NOTHING;
    case MAX_TIMESTAMP:
      return recordAt(partition, findMaxTimestamp(partition, end));
    default:
      // No record has a timestamp that a number does not hold exactly.
      if (timestamp > BigInt(Number.MAX_SAFE_INTEGER)) return NOTHING;
      return recordAt(partition, findByTimestamp(partition, Number(timestamp), end));
  }
}

function at(offset: number, leaderEpoch: number): Answer {
  return { errorCode: ErrorCode.NONE, offset, leaderEpoch };
}

async function recordAt(
  partition: Partition,
  search: ReturnType<typeof findByTimestamp>,
): Promise<Answer> {
  try {
    const found = await search;
    if (found === null) return NOTHING;
    const { offset } = found;
    return { ...at(offset, partition.epochAt(offset)), timestamp: found.timestamp };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return { errorCode: error.errorCode };
  }
}

function repeatedPartitions(request: Request): Set<string> {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const { name, partitions } of request.topics) {
    for (const { partitionIndex } of partitions) {
      const key = `${name}-${partitionIndex}`;
      if (seen.has(key)) repeated.add(key);
      seen.add(key);
    }
  }
  return repeated;
}

function failure({ topics }: Request, errorCode: number): Response {
  return { topics: refuse(topics, errorCode) };
}

function refuse(topics: readonly Topic[], errorCode: number) {
  return topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }): Found => ({ partitionIndex, errorCode })),
  }));
}
