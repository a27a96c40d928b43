import { ErrorCode, type GroupRecord } from "@tarpan/protocol";
import type { TopicImage } from "../../metadata/image.ts";
import { COMMIT_RECORD_BYTES, MAX_COMMIT_BYTES } from "../limits.ts";
import type { TopicPartitions } from "../model/consumer/assignment.ts";
import type { GroupTurn } from "../turn.ts";

/** What OffsetCommit and TxnOffsetCommit have in common. */
interface CommitRequest {
  readonly groupId: string;
  readonly topics: readonly {
    readonly name: string;
    readonly topicId: string;
    readonly partitions: readonly PartitionOffset[];
  }[];
}

export interface PartitionOffset {
  readonly partitionIndex: number;
  readonly committedOffset: number;
  readonly committedLeaderEpoch: number;
  readonly committedMetadata: string | null;
}

interface CommitResponse {
  readonly topics: {
    readonly name: string;
    readonly topicId: string;
    readonly partitions: { readonly partitionIndex: number; readonly errorCode: number }[];
  }[];
}

/** The same error for every partition: the response has no error of its own. */
export function refuseCommit({ topics }: CommitRequest, errorCode: number): CommitResponse {
  return {
    topics: topics.map(({ name, topicId, partitions }) => ({
      name,
      topicId,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
    })),
  };
}

/** The partitions whose offsets are valid; each of the others gets an error of its own. */
export function knownPartitions(
  request: CommitRequest,
  byId: boolean,
  { image, config }: GroupTurn,
): TopicPartitions[] {
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

/** Fills `records` with one for each valid offset. Null when they exceed MAX_COMMIT_BYTES. */
export function decideCommit<Rec extends GroupRecord>(
  request: CommitRequest,
  byId: boolean,
  { image, config }: GroupTurn,
  records: Rec[],
  recordOf: (topic: TopicImage, partition: PartitionOffset) => Rec,
): CommitResponse | null {
  const groupIdBytes = Buffer.byteLength(request.groupId);
  let bytes = 0;
  const topics: CommitResponse["topics"][number][] = [];
  for (const { name, topicId, partitions } of request.topics) {
    const topic = byId ? image.topicsById.get(topicId) : image.topics.get(name);
    const answers: { partitionIndex: number; errorCode: number }[] = [];
    for (const partition of partitions) {
      const { partitionIndex, committedMetadata } = partition;
      const errorCode = validatePartition(topic, partition, byId, config.offsetMetadataMaxBytes);
      answers.push({ partitionIndex, errorCode });
      if (errorCode !== ErrorCode.NONE) continue;
      bytes += COMMIT_RECORD_BYTES + groupIdBytes + topic!.name.length;
      if (committedMetadata) bytes += Buffer.byteLength(committedMetadata);
      if (bytes > MAX_COMMIT_BYTES) return null;
      records.push(recordOf(topic!, partition));
    }
    topics.push({ name, topicId, partitions: answers });
  }
  return { topics };
}

function validatePartition(
  topic: TopicImage | undefined,
  { partitionIndex, committedMetadata }: PartitionOffset,
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
