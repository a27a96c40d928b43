import { ErrorCode, type RequestOf, type ResponseInput, TxnOffsetCommit } from "@tarpan/protocol";
import {
  commitPendingOffsets,
  commitVerified,
} from "../groups/operations/commit-pending-offsets.ts";
import { refuseCommit } from "../groups/operations/decide-commit.ts";
import { CONSUMER_OFFSETS_TOPIC } from "../metadata/topic-names.ts";
import { onEach, onGroup, onTransactionalId } from "../security/permission.ts";
import { splitTopics } from "./allowed.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * TxnOffsetCommit: v0-6. v2 leader epochs · v3 flexible; generation, member and instance id · v4
 * TRANSACTION_ABORTABLE · v5 adds the group's partition to the transaction · v6 topics by id,
 * GROUP_ID_NOT_FOUND and STALE_MEMBER_EPOCH. The offsets count when the transaction is committed.
 */
export const txnOffsetCommit = handler({
  api: TxnOffsetCommit,
  versions: "0-6",
  lane: "group",
  authorize: [onTransactionalId("write"), onGroup("read"), onEach("read", "topic")],
  handle,
  failure,
});

type Request = RequestOf<typeof TxnOffsetCommit>;
type Response = ResponseInput<typeof TxnOffsetCommit>;

const LOAD_IN_PROGRESS_SINCE = 2;
const ABORTABLE_SINCE = 4;
const ADDS_SINCE = 5;
const TOPICS_BY_ID_SINCE = 6;

async function handle(request: Request, context: RequestContext): Promise<Response> {
  const byId = context.version >= TOPICS_BY_ID_SINCE;
  const { allowed, denied } = splitTopics(context, "read", request.topics, byId);
  if (denied.length === 0) return commit(request, context);
  const { groupId } = request;
  const refused = refuseCommit({ groupId, topics: denied }, ErrorCode.TOPIC_AUTHORIZATION_FAILED);
  if (allowed.length === 0) return refused;
  const { topics } = await commit({ ...request, topics: [...allowed] }, context);
  return { topics: [...topics, ...refused.topics] };
}

async function commit(request: Request, context: RequestContext): Promise<Response> {
  const { services, version } = context;
  const { groups } = services;
  const { groupId } = request;
  if (groupId === "") return failure(request, ErrorCode.INVALID_GROUP_ID, context);
  const first = await groups.run(groupId, commitPendingOffsets(request, version));
  if ("answer" in first) return first.answer;
  const errorCode = await verify(request, context);
  if (errorCode !== ErrorCode.NONE) return failure(request, errorCode, context);
  return groups.run(groupId, commitVerified(request, version, first.unverified));
}

/** Asks whether the transaction holds the group's partition of `__consumer_offsets`. */
async function verify(request: Request, { services, version }: RequestContext): Promise<ErrorCode> {
  const { transactionalId, producerId, producerEpoch } = request;
  const partition = services.groups.partitionOf(request.groupId);
  if (partition === null) return ErrorCode.COORDINATOR_NOT_AVAILABLE;
  const wanted = { transactionalId, producerId, producerEpoch, topic: CONSUMER_OFFSETS_TOPIC };
  return services.transactions.verify({ ...wanted, partition }, version >= ADDS_SINCE);
}

/** Older clients get another code for what they don't know, as in Kafka. */
function failure(request: Request, errorCode: number, { version }: RequestContext): Response {
  return refuseCommit(request, codeFor(errorCode, version));
}

function codeFor(errorCode: number, version: number): number {
  if (errorCode === ErrorCode.PRODUCER_FENCED) return ErrorCode.INVALID_PRODUCER_EPOCH;
  // The coordinator of the transaction could not be asked: every client tries again after this.
  if (errorCode === ErrorCode.NETWORK_EXCEPTION) {
    return codeFor(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, version);
  }
  if (errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS && version < LOAD_IN_PROGRESS_SINCE) {
    return ErrorCode.COORDINATOR_NOT_AVAILABLE;
  }
  if (errorCode === ErrorCode.TRANSACTION_ABORTABLE && version < ABORTABLE_SINCE) {
    return ErrorCode.INVALID_TXN_STATE;
  }
  return errorCode;
}
