import {
  ErrorCode,
  type GroupRecord,
  type OffsetCommit,
  type RequestOf,
  type ResponseInput,
  ZERO_UUID,
} from "@tarpan/protocol";
import type { TopicImage } from "../../metadata/image.ts";
import { COMMIT_RECORD_BYTES, MAX_COMMIT_BYTES } from "../limits.ts";
import { armSession } from "../model/classic/sessions.ts";
import type { TopicPartitions } from "../model/consumer/assignment.ts";
import type { GroupLike } from "../model/group.ts";
import type { CommittedOffset } from "../model/offset-store.ts";
import type { GroupOperation, GroupTurn } from "../turn.ts";

type Request = RequestOf<typeof OffsetCommit>;
type Response = ResponseInput<typeof OffsetCommit>;
type Partition = Request["topics"][number]["partitions"][number];

const TOPICS_BY_ID_SINCE = 10;
const UNKNOWN_GROUP_SINCE = 9;

/** Commits the valid offsets, and answers an error code for each of the others. */
export function commitOffsets(request: Request, version: number): GroupOperation<Response> {
  return (turn, reply) => {
    const errorCode = validateCommit(turn, request, version);
    if (errorCode !== ErrorCode.NONE) {
      return turn.reply(reply, refuseCommit(request, errorCode));
    }
    const records: GroupRecord[] = [];
    const answer = decideCommit(request, version, turn, records);
    if (answer === null) {
      return turn.reply(reply, refuseCommit(request, ErrorCode.INVALID_COMMIT_OFFSET_SIZE));
    }
    turn.appendAll(records);
    turn.reply(reply, answer);
  };
}

/** The same error for every partition: an OffsetCommit response has no error of its own. */
export function refuseCommit({ topics }: Request, errorCode: number): Response {
  return {
    topics: topics.map(({ name, topicId, partitions }) => ({
      name,
      topicId,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
    })),
  };
}

function validateCommit(turn: GroupTurn, request: Request, version: number): number {
  const { groupId, memberId, groupInstanceId, generationIdOrMemberEpoch: generation } = request;
  const group: GroupLike | undefined = turn.state.groups.get(groupId);
  if (group !== undefined) {
    const wanted = () => knownPartitions(request, version, turn);
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

/** The partitions whose offsets are valid; each of the others gets an error of its own. */
function knownPartitions(
  request: Request,
  version: number,
  { image, config }: GroupTurn,
): TopicPartitions[] {
  const byId = version >= TOPICS_BY_ID_SINCE;
  return request.topics.flatMap(({ name, topicId, partitions }) => {
    const topic = byId ? image.topicsById.get(topicId) : image.topics.get(name);
    const known = partitions.filter((partition) => {
      const errorCode = validatePartition(topic, partition, byId, config.offsetMetadataMaxBytes);
      return errorCode === ErrorCode.NONE;
    });
    if (topic === undefined) return [];
    return { topicId: topic.id, partitions: known.map(({ partitionIndex }) => partitionIndex) };
  });
}

/** Fills `records`. Null when they exceed MAX_COMMIT_BYTES. */
function decideCommit(
  request: Request,
  version: number,
  { image, config, wallMs }: GroupTurn,
  records: GroupRecord[],
): Response | null {
  const { groupId } = request;
  const byId = version >= TOPICS_BY_ID_SINCE;
  const expireTimestamp = expireTimestampOf(request.retentionTimeMs, wallMs);
  let bytes = 0;
  const topics: Response["topics"][number][] = [];
  for (const { name, topicId, partitions } of request.topics) {
    const topic = byId ? image.topicsById.get(topicId) : image.topics.get(name);
    const answers: { partitionIndex: number; errorCode: number }[] = [];
    for (const partition of partitions) {
      const { partitionIndex, committedMetadata } = partition;
      const errorCode = validatePartition(topic, partition, byId, config.offsetMetadataMaxBytes);
      answers.push({ partitionIndex, errorCode });
      if (errorCode !== ErrorCode.NONE) continue;
      bytes += COMMIT_RECORD_BYTES + groupId.length + topic!.name.length;
      bytes += committedMetadata?.length ?? 0;
      if (bytes > MAX_COMMIT_BYTES) return null;
      records.push({
        record: "OffsetCommit",
        key: { group: groupId, topic: topic!.name, partition: partitionIndex },
        value: committed(topic!.id, partition, wallMs, expireTimestamp),
      });
    }
    topics.push({ name, topicId, partitions: answers });
  }
  return { topics };
}

function validatePartition(
  topic: TopicImage | undefined,
  { partitionIndex, committedMetadata }: Partition,
  byId: boolean,
  metadataMaxLength: number,
): number {
  if (topic === undefined && byId) return ErrorCode.UNKNOWN_TOPIC_ID;
  if (topic?.partitions[partitionIndex] === undefined) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  // In UTF-16 units, as in Kafka, although the config is called bytes.
  if (committedMetadata !== null && committedMetadata.length > metadataMaxLength) {
    return ErrorCode.OFFSET_METADATA_TOO_LARGE;
  }
  return ErrorCode.NONE;
}

/** Has exactly the fields that a replay gives: live and replayed state must be the same. */
function committed(
  topicId: string,
  { committedOffset, committedLeaderEpoch, committedMetadata }: Partition,
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
