import { ErrorCode, Fetch, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import type {
  FetchPlan,
  FetchSession,
  FetchSessions,
  WantedPartition,
} from "../fetch/fetch-sessions.ts";
import {
  failedRead,
  isTold,
  type PartitionRead,
  readPartitions,
} from "../fetch/read-partitions.ts";
import { waitForData } from "../fetch/wait-for-data.ts";
import { TAKE_OVER_WAIT_MS } from "../partition/limits.ts";
import { PendingChanges } from "../partition/pending-changes.ts";
import { type Fetched, NOT_THROTTLED } from "../quotas/client-quota-manager.ts";
import { onEach } from "../security/permission.ts";
import type { PendingLatch } from "../util/latch.ts";
import { allows } from "./allowed.ts";
import { currentLeader, leaderEndpoints } from "./current-leader.ts";
import { handler, type RequestContext, type Services } from "./handler.ts";
import { topicNameOf } from "./topic-name.ts";

/**
 * Fetch: v4-18. v5 log start offset · v7 sessions (KIP-227) · v9 leader epoch (KIP-320) · v10 zstd
 * · v11 rack (KIP-392) · v12 flexible, diverging epoch · v13 topics by id · v15 replica state
 * tagged · v16 node endpoints (KIP-951) · v17 replica directory · v18 the replica's high watermark
 * (KIP-1166), ignored: in Kafka, too, only the controller uses it. From v12 on a tagged field of
 * Tarpan tells, with CORRUPT_MESSAGE, at which offset the damage ends. A partition that this broker
 * is about to lead counts as one without data, for TAKE_OVER_WAIT_MS at most; after that, and when
 * other partitions have data to send, it is refused. Not done: followers as clients (the engine
 * replicates).
 */
export const fetch = handler({
  api: Fetch,
  versions: "4-18",
  authorize: [onEach("read", "topic")],
  handle,
  failure,
});

type Request = RequestOf<typeof Fetch>;
type Response = ResponseInput<typeof Fetch>;

const READ_COMMITTED = 1;
const ENDPOINTS_SINCE = 16;
const NO_REPLICA = -1;

async function handle(request: Request, context: RequestContext): Promise<Response> {
  const { services, version, connection } = context;
  const plan = services.fetchSessions.resolve(request, version >= 13);
  if (typeof plan === "number") return { errorCode: plan, responses: [] };
  const nameOf = (one: WantedPartition) =>
    topicNameOf(services, one.topic, one.topicId, version >= 13);
  const limits = {
    maxBytes: mostBytes(request, context),
    readCommitted: request.isolationLevel === READ_COMMITTED,
    rack: request.rackId,
    mayRead: services.authorizer.hasAcls
      ? (topic: string) => allows(context, "read", "topic", topic)
      : null,
  };
  // A minimum above the maximum could never be reached.
  const minBytes = Math.min(request.minBytes, limits.maxBytes);
  const signals = [connection.signal, services.stopping];
  const startedMs = services.env.clock.monotonicMs();
  const deadline = startedMs + request.maxWaitMs;
  const refuseFromMs = startedMs + Math.min(request.maxWaitMs, TAKE_OVER_WAIT_MS);
  const pending = new PendingChanges(services);
  let unknownAtFirst: number | null = null;
  for (;;) {
    const quiet = plan.session && eventsOf(plan.session);
    const found = await readPartitions(services, plan, nameOf, limits, pending);
    const { reads, sizeBytes, watched } = found;
    const nowMs = services.env.clock.monotonicMs();
    const latches = nowMs < refuseFromMs ? found.latches : NOTHING;
    const remainingMs = (latches.length > 0 ? refuseFromMs : deadline) - nowMs;
    const answers = count(reads, mustAnswer);
    const unknown = answers === 0 ? 0 : count(reads, isUnknown);
    // As in Kafka, partitions that are unknown from the start do not end the wait for the others:
    // their client would fetch again and again without a pause.
    unknownAtFirst ??= watched.length > 0 || (quiet?.partitions.count ?? 0) > 0 ? unknown : 0;
    // Partitions that this broker is about to lead do not end it either.
    const noReason = latches.length + Math.min(unknown, unknownAtFirst);
    const enough = sizeBytes >= minBytes || answers > noReason;
    const over = remainingMs <= 0 || signals.some((signal) => signal.aborted);
    if (enough || over || plan.wanted.size === 0) {
      const { throttleMs, isEmpty } = measure(plan, reads, context);
      if (isEmpty) return throttled(plan, throttleMs, services.fetchSessions);
      if (version < ENDPOINTS_SINCE || !reads.some(leadsElsewhere)) {
        return respond(plan, reads, request.isolationLevel, throttleMs);
      }
      const placed = reads.map((read) => withLeader(read, nameOf, services));
      const leaders = placed.filter(leadsElsewhere).map((read) => read.currentLeader);
      const nodeEndpoints = leaderEndpoints(leaders, context);
      const response = respond(plan, placed, request.isolationLevel, throttleMs);
      return { ...response, nodeEndpoints };
    }
    // What was found, less than the minimum, is dropped and read again after the wait, as in Kafka:
    // it is in the tail that is kept in memory, and holding it here would keep it longer.
    const missingBytes = minBytes - sizeBytes;
    const awaited = { watched, quiet, latches, missingBytes, maxWaitMs: remainingMs };
    services.fetchWaits.begin();
    await waitForData(awaited, services.env.timers, signals);
    services.fetchWaits.end(services.env.clock.monotonicMs() - nowMs);
  }
}

function mostBytes({ maxBytes }: Request, { services, limits }: RequestContext): number {
  const most = Math.min(maxBytes, services.metadata.brokerConfig().fetchMaxBytes);
  return limits === null ? most : Math.min(most, services.quotas.mostFetchBytes(limits));
}

/** Throttles a client that has fetched too much. */
function measure(
  plan: FetchPlan,
  reads: readonly PartitionRead[],
  { services, limits, connection }: RequestContext,
): Fetched {
  if (limits === null) return NOT_THROTTLED;
  const bytes = responseBytes(plan.incremental ? reads.filter(hasChanged) : reads);
  return services.quotas.fetched(limits, bytes, connection);
}

/**
 * What a throttled client gets: nothing, and its session stays as it is. A session that this
 * request would open is not opened, as in Kafka.
 */
function throttled(
  { session, incremental }: FetchPlan,
  throttleTimeMs: number,
  sessions: FetchSessions,
): Response {
  if (session !== null && !incremental) sessions.remove(session);
  const sessionId = session !== null && incremental ? session.id : 0;
  return { errorCode: ErrorCode.NONE, throttleTimeMs, sessionId, responses: [] };
}

/** About the bytes of the response: the records, and what stands beside them. */
function responseBytes(reads: readonly PartitionRead[]): number {
  let bytes = RESPONSE_BYTES;
  for (const { sizeBytes } of reads) bytes += sizeBytes + PARTITION_BYTES;
  return bytes;
}

const RESPONSE_BYTES = 20;
const PARTITION_BYTES = 40;

const eventsOf = ({ quiet }: FetchSession) => ({ partitions: quiet, events: quiet.events });

const NOTHING: readonly PendingLatch[] = [];

/** Adds the leader when this broker does not lead, or the client's leader epoch is outdated. */
function withLeader(
  read: PartitionRead,
  nameOf: (wanted: WantedPartition) => string | null,
  { metadata }: Services,
): PartitionRead {
  if (!leadsElsewhere(read)) return read;
  const { wanted } = read;
  const leader = currentLeader(metadata.image, nameOf(wanted), wanted.partition);
  return leader === undefined ? read : { ...read, currentLeader: leader };
}

function leadsElsewhere({ errorCode }: PartitionRead): boolean {
  const { NOT_LEADER_OR_FOLLOWER, FENCED_LEADER_EPOCH } = ErrorCode;
  return errorCode === NOT_LEADER_OR_FOLLOWER || errorCode === FENCED_LEADER_EPOCH;
}

/** An error, a diverging epoch or a preferred read replica is answered without a wait. */
function mustAnswer(read: PartitionRead): boolean {
  const { errorCode, divergingEpoch, preferredReadReplica } = read;
  return errorCode !== ErrorCode.NONE || (divergingEpoch ?? preferredReadReplica) !== undefined;
}

function isUnknown({ errorCode }: PartitionRead): boolean {
  return UNKNOWN.includes(errorCode);
}
const UNKNOWN: readonly number[] = [
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.UNKNOWN_TOPIC_ID,
];

function count(reads: readonly PartitionRead[], is: (read: PartitionRead) => boolean): number {
  let found = 0;
  for (const read of reads) if (is(read)) found++;
  return found;
}

function respond(
  plan: FetchPlan,
  reads: readonly PartitionRead[],
  isolation: number,
  throttleTimeMs: number,
): Response {
  const included = plan.incremental ? reads.filter(hasChanged) : reads;
  if (plan.session !== null) updateSession(plan, included);
  const byTopic = new Map<string, ResponseTopic>();
  for (const read of included) {
    const { topic, topicId } = read.wanted;
    const key = topic === "" ? topicId : topic;
    let entry = byTopic.get(key);
    if (entry === undefined) {
      entry = { topic, topicId, partitions: [] };
      byTopic.set(key, entry);
    }
    entry.partitions.push(partitionResponse(read, isolation));
  }
  return {
    errorCode: ErrorCode.NONE,
    throttleTimeMs,
    sessionId: plan.session?.id ?? 0,
    responses: [...byTopic.values()],
  };
}

type PartitionResponse = Response["responses"][number]["partitions"][number];
interface ResponseTopic {
  readonly topic: string;
  readonly topicId: string;
  readonly partitions: PartitionResponse[];
}

function partitionResponse(read: PartitionRead, isolation: number): PartitionResponse {
  const { wanted, highWatermark, lastStableOffset, logStartOffset, errorCode, records } = read;
  return {
    partitionIndex: wanted.partition,
    errorCode,
    highWatermark,
    lastStableOffset,
    logStartOffset,
    divergingEpoch: read.divergingEpoch,
    currentLeader: read.currentLeader,
    preferredReadReplica: read.preferredReadReplica ?? NO_REPLICA,
    abortedTransactions: isolation === READ_COMMITTED ? read.aborted : null,
    records,
    resumeOffset: read.resumeOffset,
  };
}

/** Whether an incremental response must include this partition (KIP-227). */
function hasChanged(read: PartitionRead): boolean {
  return read.sizeBytes > 0 || mustAnswer(read) || !isTold(read);
}

/** Moves partitions with data to the end of the session, so that every partition gets its turn. */
function updateSession(plan: FetchPlan, included: readonly PartitionRead[]): void {
  const { partitions, quiet } = plan.session!;
  for (const { wanted, highWatermark, logStartOffset, sizeBytes } of included) {
    wanted.toldHighWatermark = highWatermark;
    wanted.toldLogStartOffset = logStartOffset;
    if (sizeBytes === 0) continue;
    partitions.delete(wanted.key);
    partitions.set(wanted.key, wanted);
    quiet.moveToEnd(wanted);
  }
}

function failure(request: Request, errorCode: ErrorCode, { version }: RequestContext): Response {
  // Before version 7 only partitions have an error code.
  if (version >= 7) return { errorCode, responses: [] };
  const responses = request.topics.map(({ topic, topicId, partitions }) => ({
    topic,
    topicId,
    partitions: partitions.map(({ partition, fetchOffset }) =>
      partitionResponse(failedRead({ ...DEFAULTS, partition, fetchOffset }, errorCode), 0),
    ),
  }));
  return { errorCode, responses };
}

const DEFAULTS = {
  key: "",
  topic: "",
  topicId: "",
  currentLeaderEpoch: -1,
  lastFetchedEpoch: -1,
  maxBytes: 0,
  toldHighWatermark: -1,
  toldLogStartOffset: -1,
};
