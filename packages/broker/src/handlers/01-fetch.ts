import { ErrorCode, Fetch, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import type { FetchPlan, WantedPartition } from "../fetch/fetch-sessions.ts";
import { failedRead, type PartitionRead, readPartitions } from "../fetch/read-partitions.ts";
import { waitForData } from "../fetch/wait-for-data.ts";
import { TAKE_OVER_WAIT_MS } from "../partition/limits.ts";
import { Patience } from "../partition/patience.ts";
import { onEach } from "../security/permission.ts";
import type { Coming } from "../util/coming.ts";
import { currentLeader, leaderEndpoints } from "./current-leader.ts";
import { handler, type RequestContext, type Services } from "./handler.ts";
import { topicNameOf } from "./topic-name.ts";

/**
 * Fetch: v4-17. v5 log start offset · v7 sessions (KIP-227) · v9 leader epoch (KIP-320) · v10 zstd
 * · v11 rack (KIP-392) · v12 flexible, diverging epoch · v13 topics by id · v15 replica state
 * tagged · v16 node endpoints (KIP-951) · v17 replica directory. Behind CORRUPT_MESSAGE a tag of
 * our own says from v12 on where the damage ends. A partition that this broker is taking over
 * counts as one without data, for TAKE_OVER_WAIT_MS at most; then, and when there is data of others
 * to be sent, it is refused. Not done: replicas of another broker as the client (replication is the
 * engine's), aborted transactions (there are none).
 */
export const fetch = handler({
  api: Fetch,
  versions: "4-17",
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
    maxBytes: Math.min(request.maxBytes, services.metadata.brokerConfig().fetchMaxBytes),
    readCommitted: request.isolationLevel === READ_COMMITTED,
    rack: request.rackId,
  };
  // A minimum above what may be sent would be waited for in vain.
  const minBytes = Math.min(request.minBytes, limits.maxBytes);
  const signals = [connection.signal, services.stopping];
  const startedMs = services.env.clock.monotonicMs();
  const deadline = startedMs + request.maxWaitMs;
  const refuseFromMs = startedMs + Math.min(request.maxWaitMs, TAKE_OVER_WAIT_MS);
  const patience = new Patience(services);
  let unknownAtFirst: number | null = null;
  for (;;) {
    const found = await readPartitions(services, plan.wanted.values(), nameOf, limits, patience);
    const { reads, sizeBytes, watched } = found;
    const nowMs = services.env.clock.monotonicMs();
    const coming = nowMs < refuseFromMs ? found.coming : NOTHING;
    const remainingMs = (coming.length > 0 ? refuseFromMs : deadline) - nowMs;
    const answers = count(reads, mustAnswer);
    const unknown = answers === 0 ? 0 : count(reads, isUnknown);
    // As in Kafka they end no wait for others: who asks for one would ask again and again.
    unknownAtFirst ??= watched.length > 0 ? unknown : 0;
    // Nor is what is about to be led here an answer yet.
    const noReason = coming.length + Math.min(unknown, unknownAtFirst);
    const enough = sizeBytes >= minBytes || answers > noReason;
    const over = remainingMs <= 0 || signals.some((signal) => signal.aborted);
    if (enough || over || plan.wanted.size === 0) {
      if (version < ENDPOINTS_SINCE || !reads.some(leadsElsewhere)) {
        return respond(plan, reads, request.isolationLevel);
      }
      const placed = reads.map((read) => withLeader(read, nameOf, services));
      const leaders = placed.filter(leadsElsewhere).map((read) => read.currentLeader);
      const nodeEndpoints = leaderEndpoints(leaders, context);
      return { ...respond(plan, placed, request.isolationLevel), nodeEndpoints };
    }
    const missingBytes = minBytes - sizeBytes;
    const awaited = { watched, coming, missingBytes, maxWaitMs: remainingMs };
    await waitForData(awaited, services.env.timers, signals);
  }
}

const NOTHING: readonly Coming[] = [];

/** Says who leads a partition that this broker does not, or that the client knows as it was. */
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

/** An error, a divergence or a better place to read from is not worth waiting with. */
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

function respond(plan: FetchPlan, reads: readonly PartitionRead[], isolation: number): Response {
  const told = plan.incremental ? reads.filter(hasNews) : reads;
  if (plan.session !== null) remember(plan, told);
  const byTopic = new Map<string, ResponseTopic>();
  for (const read of told) {
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
    abortedTransactions: isolation === READ_COMMITTED ? [] : null,
    records,
    resumeOffset: read.resumeOffset,
  };
}

/** Whether an incremental session must be told of this partition (KIP-227). */
function hasNews(read: PartitionRead): boolean {
  const { wanted } = read;
  return (
    read.sizeBytes > 0 ||
    mustAnswer(read) ||
    read.highWatermark !== wanted.toldHighWatermark ||
    read.logStartOffset !== wanted.toldLogStartOffset
  );
}

/** Partitions that gave data go to the end of the session, so that all get their turn. */
function remember(plan: FetchPlan, told: readonly PartitionRead[]): void {
  const { partitions } = plan.session!;
  for (const { wanted, highWatermark, logStartOffset, sizeBytes } of told) {
    wanted.toldHighWatermark = highWatermark;
    wanted.toldLogStartOffset = logStartOffset;
    if (sizeBytes === 0) continue;
    partitions.delete(wanted.key);
    partitions.set(wanted.key, wanted);
  }
}

function failure(request: Request, errorCode: ErrorCode, { version }: RequestContext): Response {
  // Before version 7 there is no place for an error but the partitions.
  if (version >= 7) return { errorCode, responses: [] };
  const responses = request.topics.map(({ topic, topicId, partitions }) => ({
    topic,
    topicId,
    partitions: partitions.map(({ partition, fetchOffset }) =>
      partitionResponse(failedRead({ ...NO_WISHES, partition, fetchOffset }, errorCode), 0),
    ),
  }));
  return { errorCode, responses };
}

const NO_WISHES = {
  key: "",
  topic: "",
  topicId: "",
  currentLeaderEpoch: -1,
  lastFetchedEpoch: -1,
  maxBytes: 0,
  toldHighWatermark: -1,
  toldLogStartOffset: -1,
};
