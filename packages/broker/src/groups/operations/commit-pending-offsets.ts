import {
  ErrorCode,
  type GroupRecord,
  type RequestOf,
  type ResponseInput,
  type TxnOffsetCommit,
} from "@tarpan/protocol";
import type { TopicImage } from "../../metadata/image.ts";
import type { Verification, Verifications } from "../../partition/verifications.ts";
import type { GroupLike } from "../model/group.ts";
import type { PendingOffsetRecord } from "../model/pending-offsets.ts";
import type { GroupOperation, GroupTurn } from "../turn.ts";
import {
  decideCommit,
  knownPartitions,
  type PartitionOffset,
  refuseCommit,
} from "./decide-commit.ts";
import { makeRoomFor } from "./forget-producers.ts";

type Request = RequestOf<typeof TxnOffsetCommit>;
type Response = ResponseInput<typeof TxnOffsetCommit>;

const BUMPS_EPOCH_SINCE = 5;
const TOPICS_BY_ID_SINCE = 6;
const EXACT_GROUP_ERRORS_SINCE = 6;

/** That the coordinator of transactions is asked about the first commit of a transaction. */
export interface CommitVerification {
  readonly verification: Verification;
  /** Of the shard that began it: after another load of the shard it is unknown. */
  readonly of: Verifications;
}

export type PendingCommit =
  | { readonly answer: Response }
  /** Ask the coordinator of transactions; if it agrees, run `commitVerified`. */
  | { readonly unverified: CommitVerification };

/**
 * Commits offsets that count when the producer's transaction is committed (KIP-98, KIP-447). The
 * first commit of a transaction in this shard has to be verified, which this begins (KIP-890).
 */
export function commitPendingOffsets(
  request: Request,
  version: number,
): GroupOperation<PendingCommit> {
  const { producerId, producerEpoch } = request;
  return (turn, reply) => {
    const isOpen = turn.state.offsets.pending.isOpen(producerId, producerEpoch);
    const answer = commit(turn, request, version, isOpen);
    if (answer !== null) return turn.reply(reply, { answer });
    turn.reply(reply, { unverified: beginVerification(turn, request, version) });
  };
}

/** The same after the verification. */
export function commitVerified(
  request: Request,
  version: number,
  { verification, of }: CommitVerification,
): GroupOperation<Response> {
  const { producerId, producerEpoch } = request;
  return (turn, reply) => {
    const { pending } = turn.state.offsets;
    const isValid = pending.verifications.get(producerId) === verification;
    const answer = commit(turn, request, version, isValid);
    if (answer !== null) return turn.reply(reply, answer);
    // A later commit may be done already, and this one must not replace it. The client asks again,
    // unless it has given this request up.
    const isLate = of !== pending.verifications || pending.isOpen(producerId, producerEpoch);
    const { NOT_COORDINATOR, INVALID_TXN_STATE } = ErrorCode;
    turn.reply(reply, refuseCommit(request, isLate ? NOT_COORDINATOR : INVALID_TXN_STATE));
  };
}

/** Null when it would be carried out, but `isInTransaction` is false. */
function commit(
  turn: GroupTurn,
  request: Request,
  version: number,
  isInTransaction: boolean,
): Response | null {
  const { producerId, producerEpoch } = request;
  const records: PendingOffsetRecord[] = [];
  const answer = decideCommit(
    request,
    version >= TOPICS_BY_ID_SINCE,
    turn,
    records,
    (topic, partition) => pendingRecord(request, topic, partition, turn.wallMs),
  );
  if (answer === null) return refuseCommit(request, ErrorCode.INVALID_COMMIT_OFFSET_SIZE);
  // As in Kafka: without a valid offset nothing else is checked.
  if (records.length === 0) return answer;
  const known = turn.state.offsets.pending.producers.get(producerId);
  if (known !== undefined && producerEpoch < known.epoch) {
    return refuseCommit(request, ErrorCode.INVALID_PRODUCER_EPOCH);
  }
  if (!isInTransaction) return null;
  const errorCode = validateGroup(turn, request, version);
  if (errorCode !== ErrorCode.NONE) return refuseCommit(request, errorCode);
  makeRoomFor(producerId, turn);
  const isFirst = !turn.state.offsets.pending.isOpen(producerId, producerEpoch);
  turn.appendAll(isFirst ? fromOffset(turn.nextOffset, records) : records);
  return answer;
}

function beginVerification(
  { state, wallMs }: GroupTurn,
  { producerId, producerEpoch }: Request,
  version: number,
): CommitVerification {
  const of = state.offsets.pending.verifications;
  // Offsets have no sequences.
  const first = { producerId, producerEpoch, baseSequence: 0 };
  return { verification: of.begin(first, version >= BUMPS_EPOCH_SINCE, wallMs), of };
}

/** Older clients know two codes of the group only as ILLEGAL_GENERATION (KIP-1319). */
function validateGroup(turn: GroupTurn, request: Request, version: number): number {
  const { groupId, memberId, groupInstanceId, generationIdOrMemberEpoch: generation } = request;
  const { groups, offsets } = turn.state;
  const group: GroupLike | undefined = groups.get(groupId);
  const isExact = version >= EXACT_GROUP_ERRORS_SINCE;
  if (group === undefined) {
    if (generation < 0) return ErrorCode.NONE;
    // In Kafka this is an empty group, which does not have the member.
    if (offsets.hasGroup(groupId)) return ErrorCode.UNKNOWN_MEMBER_ID;
    return isExact ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.ILLEGAL_GENERATION;
  }
  const wanted = () => knownPartitions(request, version >= TOPICS_BY_ID_SINCE, turn);
  const code = group.validateOffsetCommit(memberId, groupInstanceId, generation, null, wanted);
  return code === ErrorCode.STALE_MEMBER_EPOCH && !isExact ? ErrorCode.ILLEGAL_GENERATION : code;
}

/** The first record says where the transaction begins in the log. */
function fromOffset(
  startOffset: number,
  [first, ...rest]: readonly PendingOffsetRecord[],
): GroupRecord[] {
  return [{ ...first!, value: { ...first!.value!, startOffset } }, ...rest];
}

function pendingRecord(
  { producerId, producerEpoch, groupId: group }: Request,
  topic: TopicImage,
  { partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata }: PartitionOffset,
  commitTimestamp: number,
): PendingOffsetRecord {
  return {
    record: "PendingOffset",
    key: { producerId, group, topic: topic.name, partition: partitionIndex },
    value: {
      producerEpoch,
      offset: committedOffset,
      leaderEpoch: committedLeaderEpoch,
      metadata: committedMetadata ?? "",
      commitTimestamp,
      topicId: topic.id,
      isOutdated: false,
      startOffset: -1,
    },
  };
}
