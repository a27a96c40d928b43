import {
  DescribeTopicPartitions,
  ErrorCode,
  type RequestOf,
  type ResponseInput,
  ZERO_UUID,
} from "@tarpan/protocol";
import { partitionFields } from "../metadata/descriptions.ts";
import type { MetadataImage, TopicImage } from "../metadata/image.ts";
import { isInternalTopic, topicNameProblem } from "../metadata/topic-names.ts";
import { waitUntilMetadataRead } from "../partition/pending-changes.ts";
import { NOT_ASKED } from "../security/authorized-operations.ts";
import { onEach } from "../security/permission.ts";
import { allows, couldDo, operationsOn, split } from "./allowed.ts";
import { handler, type RequestContext, type Services } from "./handler.ts";

/**
 * DescribeTopicPartitions: v0 (KIP-966).
 * Topics in the order of their names, with as many partitions as the request and
 * `max.request.partition.size.limit` allow; the cursor is where the next request begins. A named
 * topic that does not exist is answered with 3, an invalid name with 17.
 */
export const describeTopicPartitions = handler({
  api: DescribeTopicPartitions,
  versions: "0",
  authorize: [onEach("describe", "topic")],
  handle,
  failure,
});

type Request = RequestOf<typeof DescribeTopicPartitions>;
type Response = ResponseInput<typeof DescribeTopicPartitions>;
type Topic = Response["topics"][number];

async function handle(request: Request, context: RequestContext): Promise<Response> {
  const { services } = context;
  const { metadata } = services;
  const isKnown = ({ name }: Request["topics"][number]) => metadata.image.topics.has(name);
  if (!request.topics.every(isKnown)) await waitUntilMetadataRead(services);
  const { image } = metadata;
  const { cursor } = request;
  const all = request.topics.length === 0;
  const asked = all ? image.topics.keys() : request.topics.map(({ name }) => name);
  const wanted = [...new Set(asked)].filter((name) => cursor === null || name >= cursor.topicName);
  const isUnnamed = cursor !== null && !all && !wanted.includes(cursor.topicName);
  if (isUnnamed || (cursor !== null && cursor.partitionIndex < 0)) {
    return failure(request, ErrorCode.INVALID_REQUEST);
  }
  const mayDescribe = all ? couldDo : allows;
  const { allowed, denied } = split(wanted, (name) =>
    mayDescribe(context, "describe", "topic", name),
  );
  const page = pageOf(allowed, request, services);
  // A client that asks for all topics is not told of those that it may not describe.
  const refused = all ? [] : denied.map(deniedTopic);
  const described = page.topics.map((topic) => {
    const topicAuthorizedOperations = operationsOn(context, "topic", topic.name ?? "");
    return { ...topic, topicAuthorizedOperations };
  });
  return { ...page, topics: [...described, ...refused] };
}

/** As many partitions of these topics as the response may have. */
function pageOf(
  names: readonly string[],
  { cursor, responsePartitionLimit }: Request,
  { metadata }: Services,
): Response {
  const { image } = metadata;
  const limit = metadata.brokerConfig().maxRequestPartitionSizeLimit;
  let room = Math.max(1, Math.min(limit, responsePartitionLimit));
  const topics: Topic[] = [];
  for (const name of [...names].sort()) {
    const from = name === cursor?.topicName ? cursor.partitionIndex : 0;
    if (room === 0) return { topics, nextCursor: { topicName: name, partitionIndex: from } };
    const topic = image.topics.get(name);
    if (topic === undefined) {
      topics.push(missing(name));
      continue;
    }
    const part = partitionsFrom(image, topic, from, room);
    topics.push({ ...headOf(name, ErrorCode.NONE), topicId: topic.id, partitions: part });
    room -= part.length;
    const next = from + part.length;
    if (next < topic.partitions.length) {
      return { topics, nextCursor: { topicName: name, partitionIndex: next } };
    }
  }
  return { topics };
}

function deniedTopic(name: string): Topic {
  return { ...headOf(name, ErrorCode.TOPIC_AUTHORIZATION_FAILED), isInternal: false };
}

function headOf(name: string, errorCode: number): Topic {
  return {
    errorCode,
    name,
    topicId: ZERO_UUID,
    isInternal: isInternalTopic(name),
    partitions: [],
    topicAuthorizedOperations: NOT_ASKED,
  };
}

function missing(name: string): Topic {
  const valid = topicNameProblem(name) === null;
  const { UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION } = ErrorCode;
  return headOf(name, valid ? UNKNOWN_TOPIC_OR_PARTITION : INVALID_TOPIC_EXCEPTION);
}

function partitionsFrom(image: MetadataImage, topic: TopicImage, from: number, count: number) {
  return topic.partitions.slice(from, from + count).map((partition, i) => {
    const part = partitionFields(image, partition, from + i);
    return { ...part, eligibleLeaderReplicas: [], lastKnownElr: [] };
  });
}

function failure({ topics }: Request, errorCode: number): Response {
  return { topics: topics.map(({ name }) => headOf(name, errorCode)) };
}
