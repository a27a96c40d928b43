import { DeleteRecords, ErrorCode, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { isInternalTopic } from "../metadata/topic-names.ts";
import { type RequestedPartition, waitUntilLed } from "../partition/pending-changes.ts";
import { onEach } from "../security/permission.ts";
import { KafkaError } from "../util/kafka-error.ts";
import { splitTopics } from "./allowed.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * DeleteRecords: v0-2.
 * v2 flexible.
 * Waits up to TAKE_OVER_WAIT_MS for a partition that this broker is about to lead.
 * Not done: timeoutMs of the deletion (the answer comes when the new start offset is durable).
 */
export const deleteRecords = handler({
  api: DeleteRecords,
  versions: "0-2",
  authorize: [onEach("delete", "topic")],
  handle,
  failure,
});

type Request = RequestOf<typeof DeleteRecords>;
type Response = ResponseInput<typeof DeleteRecords>;

/** In place of an offset: deletes all records. */
const TO_HIGH_WATERMARK = -1;

/** The request has no leader epoch. */
const ANY_EPOCH = -1;

async function handle(request: Request, context: RequestContext): Promise<Response> {
  const { allowed, denied } = splitTopics(context, "delete", request.topics);
  await waitUntilLed(context.services, allowed.flatMap(askedOf), request.timeoutMs);
  const topics = allowed.map(async ({ name, partitions }) => ({
    name,
    partitions: await Promise.all(
      partitions.map(async ({ partitionIndex, offset }) => ({
        partitionIndex,
        ...(await deleteBefore(name, partitionIndex, offset, context)),
      })),
    ),
  }));
  const refused = denied.map((topic) => refuseTopic(topic, ErrorCode.TOPIC_AUTHORIZATION_FAILED));
  return { topics: [...(await Promise.all(topics)), ...refused] };
}

function askedOf({ name, partitions }: Request["topics"][number]): RequestedPartition[] {
  return partitions.map(({ partitionIndex }) => {
    return { topic: name, partition: partitionIndex, leaderEpoch: ANY_EPOCH };
  });
}

async function deleteBefore(
  topic: string,
  index: number,
  offset: number,
  { services }: RequestContext,
): Promise<{ lowWatermark: number; errorCode: number }> {
  const partition = services.partitions.find(topic, index);
  if (typeof partition === "number") return refuse(partition);
  if (isInternalTopic(topic)) return refuse(ErrorCode.INVALID_TOPIC_EXCEPTION);
  if (!services.metadata.topicConfig(topic).deleteOld) return refuse(ErrorCode.POLICY_VIOLATION);
  const before = offset === TO_HIGH_WATERMARK ? partition.highWatermark : offset;
  if (before < 0 || before > partition.highWatermark) return refuse(ErrorCode.OFFSET_OUT_OF_RANGE);
  try {
    await partition.deleteBefore(before);
    return { lowWatermark: partition.log.startOffset, errorCode: ErrorCode.NONE };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return refuse(error.errorCode);
  }
}

function refuse(errorCode: number) {
  return { lowWatermark: -1, errorCode };
}

function failure(request: Request, errorCode: number): Response {
  return { topics: request.topics.map((topic) => refuseTopic(topic, errorCode)) };
}

function refuseTopic({ name, partitions }: Request["topics"][number], errorCode: number) {
  return {
    name,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, ...refuse(errorCode) })),
  };
}
