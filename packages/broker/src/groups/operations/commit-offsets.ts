import {
  ErrorCode,
  type GroupRecord,
  type OffsetCommit,
  type RequestOf,
  type ResponseInput,
  ZERO_UUID,
} from "@tarpan/protocol";
import { armSession } from "../model/classic/sessions.ts";
import type { CommittedOffset } from "../model/committed-offset.ts";
import type { GroupLike } from "../model/group.ts";
import type { GroupOperation, GroupTurn } from "../turn.ts";
import {
  decideCommit,
  knownPartitions,
  type PartitionOffset,
  refuseCommit,
} from "./decide-commit.ts";

type Request = RequestOf<typeof OffsetCommit>;
type Response = ResponseInput<typeof OffsetCommit>;

const TOPICS_BY_ID_SINCE = 10;
const UNKNOWN_GROUP_SINCE = 9;

/** Commits the valid offsets, and answers an error code for each of the others. */
export function commitOffsets(request: Request, version: number): GroupOperation<Response> {
  return (turn, reply) => {
    const errorCode = validateCommit(turn, request, version);
    if (errorCode !== ErrorCode.NONE) {
      return turn.reply(reply, refuseCommit(request, errorCode));
    }
    const { groupId: group } = request;
    const { wallMs } = turn;
    const expireTimestamp = expireTimestampOf(request.retentionTimeMs, wallMs);
    const records: GroupRecord[] = [];
    const byId = version >= TOPICS_BY_ID_SINCE;
    const answer = decideCommit(request, byId, turn, records, (topic, partition) => ({
      record: "OffsetCommit",
      key: { group, topic: topic.name, partition: partition.partitionIndex },
      value: committed(topic.id, partition, wallMs, expireTimestamp),
    }));
    if (answer === null) {
      return turn.reply(reply, refuseCommit(request, ErrorCode.INVALID_COMMIT_OFFSET_SIZE));
    }
    turn.appendAll(records);
    turn.reply(reply, answer);
  };
}

function validateCommit(turn: GroupTurn, request: Request, version: number): number {
  const { groupId, memberId, groupInstanceId, generationIdOrMemberEpoch: generation } = request;
  const group: GroupLike | undefined = turn.state.groups.get(groupId);
  if (group !== undefined) {
    const wanted = () => knownPartitions(request, version >= TOPICS_BY_ID_SINCE, turn);
    const errorCode = group.validateOffsetCommit(
      memberId,
      groupInstanceId,
      generation,
      version,
      wanted,
    );
    const session = errorCode === ErrorCode.NONE ? group.committed?.(memberId) : undefined;
    if (session !== undefined) armSession(turn, session);
    return errorCode;
  }
  // Standalone consumers (assign) and tools have no generation. Their commit creates the group.
  if (generation < 0) return ErrorCode.NONE;
  // In Kafka this is an empty group, which does not have the member.
  if (turn.state.offsets.hasGroup(groupId)) return ErrorCode.UNKNOWN_MEMBER_ID;
  if (version >= UNKNOWN_GROUP_SINCE) return ErrorCode.GROUP_ID_NOT_FOUND;
  return ErrorCode.ILLEGAL_GENERATION;
}

/** Has exactly the fields that a replay gives: live and replayed state must be the same. */
function committed(
  topicId: string,
  { committedOffset, committedLeaderEpoch, committedMetadata }: PartitionOffset,
  commitTimestamp: number,
  expireTimestamp: number,
): CommittedOffset {
  const expires = expireTimestamp !== NEVER;
  return {
    offset: committedOffset,
    leaderEpoch: expires ? -1 : committedLeaderEpoch,
    metadata: committedMetadata ?? "",
    commitTimestamp,
    expireTimestamp,
    // The version of the record with an expiry time has no leader epoch and no topic id.
    topicId: expires ? ZERO_UUID : topicId,
  };
}

const NEVER = -1;
const BY_CONFIG = -1n;

/** Requests of versions 2 to 4 may set a retention of their own, until KIP-211. -1 for none. */
function expireTimestampOf(retentionTimeMs: bigint, wallMs: number): number {
  if (retentionTimeMs === BY_CONFIG) return NEVER;
  return Math.min(Math.max(0, wallMs + Number(retentionTimeMs)), Number.MAX_SAFE_INTEGER);
}
