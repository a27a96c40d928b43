import {
  ErrorCode,
  Metadata,
  type RequestOf,
  type ResponseInput,
  ZERO_UUID,
} from "@tarpan/protocol";
import type { Change } from "../audit/audit-event.ts";
import { brokerNodes, partitionFields } from "../metadata/descriptions.ts";
import type { MetadataImage, TopicImage } from "../metadata/image.ts";
import { isInternalTopic, topicNameProblem } from "../metadata/topic-names.ts";
import { waitUntilMetadataRead } from "../partition/pending-changes.ts";
import { NOT_ASKED } from "../security/authorized-operations.ts";
import { onEach } from "../security/permission.ts";
import { allows, clusterOperations, couldDo, mayCreate, operationsOn, split } from "./allowed.ts";
import { handler, type RequestContext, type Services } from "./handler.ts";
import { MutationQuota } from "./mutation-quota.ts";

/**
 * Metadata: v0-13.
 * v0 an empty list asks for all topics, from v1 on null does · v1 racks, controller · v2 cluster id
 * · v4 auto-creation can be declined · v5 offline replicas · v7 leader epochs · v8 authorised
 * operations (of the cluster up to v10 only) · v9 flexible · v10 topic ids in the answer · v12
 * topics by id · v13 an error for the whole answer.
 * For a topic that this broker does not know it first reads all that the controller has committed.
 * A topic that is still missing is created when `auto.create.topics.enable` and the request allow
 * it. Kafka then answers UNKNOWN_TOPIC_OR_PARTITION, and the client asks again; here the topic is
 * durable before the answer, which includes it. Internal topics are never created this way, except
 * those whose messages are held: to name one creates it, because nobody else does.
 */
export const metadata = handler({
  api: Metadata,
  versions: "0-13",
  authorize: [onEach("describe", "topic"), onEach("create", "topic")],
  handle,
  failure,
});

type Request = RequestOf<typeof Metadata>;
type Response = ResponseInput<typeof Metadata>;
type Topic = Response["topics"][number];
type Wanted = NonNullable<Request["topics"]>[number];

const TOPICS_BY_ID_SINCE = 12;

async function handle(request: Request, context: RequestContext): Promise<Response> {
  const { services, version } = context;
  const wanted = version === 0 && request.topics?.length === 0 ? null : request.topics;
  const malformed =
    version < TOPICS_BY_ID_SINCE &&
    wanted?.some(({ name, topicId }) => name === null || topicId !== ZERO_UUID);
  if (malformed) return failure(request, ErrorCode.INVALID_REQUEST, context);
  if (wanted?.some((one) => !isKnown(one, services))) await waitUntilMetadataRead(services);
  const { allowed, denied } = split(wanted ?? [], (one) => mayDescribe(one, context));
  const quota = new MutationQuota(context, NEVER_STRICT);
  const refusals =
    wanted === null ? new Map() : await createMissing(context, request, allowed, quota);
  const { image } = services.metadata;
  const found = wanted === null ? describableTopics(image, context) : [];
  for (const one of distinct(allowed)) found.push(find(image, one, refusals));
  const topics = request.includeTopicAuthorizedOperations ? found.map(withOperations) : found;
  for (const { name, topicId } of distinct(denied)) topics.push(deniedTopic(name, topicId));
  return {
    ...clusterPart(context),
    throttleTimeMs: quota.throttle(),
    topics,
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
      ? clusterOperations(context)
      : NOT_ASKED,
    errorCode: ErrorCode.NONE,
  };

  function withOperations(topic: Topic): Topic {
    const { name, errorCode } = topic;
    if (name === null || errorCode !== ErrorCode.NONE) return topic;
    return { ...topic, topicAuthorizedOperations: operationsOn(context, "topic", name) };
  }
}

/** A topic that does not exist is denied, too, so that the answer does not tell which ones do. */
function mayDescribe({ name: byName, topicId }: Wanted, context: RequestContext): boolean {
  const { image } = context.services.metadata;
  const name = topicId === ZERO_UUID ? byName : image.topicsById.get(topicId)?.name;
  return name == null || allows(context, "describe", "topic", name);
}

function describableTopics(image: MetadataImage, context: RequestContext): Topic[] {
  const found: Topic[] = [];
  for (const topic of image.topics.values()) {
    if (couldDo(context, "describe", "topic", topic.name)) found.push(known(image, topic));
  }
  return found;
}

/** With the request's name or id only, and without saying whether the topic is internal. */
function deniedTopic(name: string | null, topicId: string): Topic {
  const errorCode = ErrorCode.TOPIC_AUTHORIZATION_FAILED;
  const asked = topicId === ZERO_UUID ? name : null;
  return { errorCode, name: asked, topicId, isInternal: false, partitions: [] };
}

function clusterPart({ services, connection }: RequestContext) {
  return {
    brokers: brokerNodes(services, connection).map(({ id, host, port, rack }) => {
      return { nodeId: id, host, port, rack };
    }),
    clusterId: services.metadata.clusterId,
    controllerId: services.metadata.controllerId,
  };
}

function isKnown({ name, topicId }: Wanted, { metadata: { image } }: Services): boolean {
  if (topicId !== ZERO_UUID) return image.topicsById.has(topicId);
  return name !== null && image.topics.has(name);
}

/** Who needs a topic gets it, as in Kafka, and is throttled after it. */
const NEVER_STRICT = Number.POSITIVE_INFINITY;

/** Creates the missing topics that may be created. Returns their error codes by name. */
async function createMissing(
  context: RequestContext,
  request: Request,
  wanted: readonly Wanted[],
  quota: MutationQuota,
): Promise<Map<string, number>> {
  const { metadata, delayed, halfMessages } = context.services;
  for (const held of [delayed, halfMessages]) {
    if (wanted.some(({ name }) => name === held.topic)) await held.ensureTopic();
  }
  const { image, controller } = metadata;
  if (!request.allowAutoTopicCreation || !metadata.brokerConfig().autoCreateTopicsEnable) {
    return new Map();
  }
  const missing = new Set<string>();
  for (const { name, topicId } of wanted) {
    if (name === null || topicId !== ZERO_UUID || image.topics.has(name)) continue;
    if (!isInternalTopic(name) && topicNameProblem(name) === null) missing.add(name);
  }
  const { allowed, denied } = split([...missing], (name) => mayCreate(context, name));
  const refusals = new Map<string, number>();
  for (const name of denied) refusals.set(name, ErrorCode.TOPIC_AUTHORIZATION_FAILED);
  if (allowed.length === 0) return refusals;
  const defaults = { numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] };
  const topics = allowed.map((name) => ({ name, ...defaults }));
  await quota.take(topics.map(() => metadata.brokerConfig().numPartitions));
  const asked = { topics, validateOnly: false, internal: false };
  const created = await controller.createTopics(asked);
  for (const { name, errorCode } of created.topics) {
    refusals.set(name, errorCode);
    if (errorCode === ErrorCode.NONE)
      context.services.audit.changed(context.connection, auto(name));
  }
  return refusals;
}

function auto(name: string): Change {
  const detail = "auto.create.topics.enable";
  return { operation: "Metadata", resource: `topic:${name}`, failure: null, detail };
}

/** A topic that the request names twice is answered once, as in Kafka. */
function distinct(wanted: readonly Wanted[]): Iterable<Wanted> {
  const byKey = new Map<string, Wanted>();
  for (const one of wanted) byKey.set(`${one.topicId} ${one.name}`, one);
  return byKey.values();
}

function find(
  image: MetadataImage,
  { name, topicId }: Wanted,
  refusals: Map<string, number>,
): Topic {
  if (topicId !== ZERO_UUID) {
    const topic = image.topicsById.get(topicId);
    return topic ? known(image, topic) : unknown(null, topicId, ErrorCode.UNKNOWN_TOPIC_ID);
  }
  if (name === null) return unknown(null, topicId, ErrorCode.INVALID_REQUEST);
  const topic = image.topics.get(name);
  if (topic !== undefined) return known(image, topic);
  const valid = topicNameProblem(name) === null;
  const code = valid ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.INVALID_TOPIC_EXCEPTION;
  return unknown(name, topicId, refusals.get(name) || code);
}

function unknown(name: string | null, topicId: string, errorCode: number): Topic {
  const isInternal = name !== null && isInternalTopic(name);
  return { errorCode, name, topicId, isInternal, partitions: [] };
}

function known(image: MetadataImage, { name, id, partitions }: TopicImage): Topic {
  return {
    errorCode: ErrorCode.NONE,
    name,
    topicId: id,
    isInternal: isInternalTopic(name),
    partitions: partitions.map((partition, index) => partitionFields(image, partition, index)),
  };
}

function failure({ topics }: Request, errorCode: number, context: RequestContext): Response {
  return {
    ...clusterPart(context),
    topics: (topics ?? []).map(({ name, topicId }) => {
      const named = context.version < TOPICS_BY_ID_SINCE ? (name ?? "") : name;
      return unknown(named, topicId, errorCode);
    }),
    errorCode,
  };
}
