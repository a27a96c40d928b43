import {
  DeleteTopics,
  ErrorCode,
  type RequestOf,
  type ResponseInput,
  ZERO_UUID,
} from "@tarpan/protocol";
import type { TopicRef } from "../metadata/decide-delete-topics.ts";
import type { MetadataImage } from "../metadata/image.ts";
import { type Outcome, refused } from "../metadata/outcome.ts";
import { onEach } from "../security/permission.ts";
import { allows, couldDo, couldDoOnCluster } from "./allowed.ts";
import { handler, type RequestContext } from "./handler.ts";
import { MutationQuota, QUOTA_EXCEEDED } from "./mutation-quota.ts";

/**
 * DeleteTopics: v1-6.
 * v3 an error code when deletion is disabled · v4 flexible · v5 error messages · v6 topics by name
 * or by id (KIP-516).
 * Deletes all topics of a request that can be deleted in one append. Internal topics can't be
 * deleted.
 */
export const deleteTopics = handler({
  api: DeleteTopics,
  versions: "1-6",
  authorize: [onEach("delete", "topic")],
  handle,
  failure,
});

type Request = RequestOf<typeof DeleteTopics>;
type Response = ResponseInput<typeof DeleteTopics>;
type Result = Response["responses"][number];

const DELETION_DISABLED_SINCE = 3;

async function handle(request: Request, context: RequestContext): Promise<Response> {
  const { services, version } = context;
  const { metadata } = services;
  if (!metadata.brokerConfig().deleteTopicEnable) {
    const { TOPIC_DELETION_DISABLED, INVALID_REQUEST } = ErrorCode;
    const known = version >= DELETION_DISABLED_SINCE;
    return failure(request, known ? TOPIC_DELETION_DISABLED : INVALID_REQUEST);
  }
  const quota = new MutationQuota(context, STRICT_QUOTA_SINCE);
  const allowed: NamedTopic[] = [];
  const refusals: Result[] = [];
  for (const { name, topicId } of namedTopics(request)) {
    const byId = topicId !== ZERO_UUID;
    const denied = (name === null) === byId ? denial(name, topicId, context) : null;
    if (denied !== null) refusals.push(denied);
    else if ((name === null) !== byId) refusals.push(result(name, topicId, BOTH_OR_NEITHER));
    else allowed.push({ name, topicId });
  }
  const { within, above } = await quota.split(allowed, ({ name, topicId }) => {
    return partitionsOf(name, topicId, metadata.image);
  });
  for (const { name, topicId } of above) refusals.push(result(name, topicId, QUOTA_EXCEEDED));
  const refs = within.map(refOf);
  const throttleTimeMs = quota.throttle();
  if (refs.length === 0) return { throttleTimeMs, responses: refusals };
  const deleted = await metadata.controller.deleteTopics({ topics: refs });
  const results = deleted.topics.map(({ name, id, ...outcome }) => result(name, id, outcome));
  return { throttleTimeMs, responses: [...results, ...refusals] };
}

const STRICT_QUOTA_SINCE = 5;

/** By its name, or by its id. */
interface NamedTopic {
  readonly name: string | null;
  readonly topicId: string;
}

function refOf({ name, topicId }: NamedTopic): TopicRef {
  return topicId === ZERO_UUID ? { name: name!, id: null } : { name: null, id: topicId };
}

function partitionsOf(name: string | null, id: string, image: MetadataImage): number {
  const topic = name === null ? image.topicsById.get(id) : image.topics.get(name);
  return topic?.partitions.length ?? 0;
}

/** Null if the client may delete the topic, or may know that it does not exist. */
function denial(byName: string | null, topicId: string, context: RequestContext): Result | null {
  const { image } = context.services.metadata;
  const name = byName ?? image.topicsById.get(topicId)?.name;
  if (name === undefined || couldDoOnCluster(context, "delete")) return null;
  const isKnown = couldDo(context, "describe", "topic", name);
  const mayDelete = allows(context, "delete", "topic", name);
  if (byName === null ? mayDelete : isKnown && (mayDelete || !image.topics.has(name))) return null;
  const told = byName ?? (isKnown ? name : null);
  return result(told, topicId, refused(ErrorCode.TOPIC_AUTHORIZATION_FAILED));
}

/** Before version 6 the request has a list of names only. */
function namedTopics({ topics, topicNames }: Request): NamedTopic[] {
  return [...topics, ...topicNames.map((name) => ({ name, topicId: ZERO_UUID }))];
}

const BOTH_OR_NEITHER = refused(
  ErrorCode.INVALID_REQUEST,
  "a topic needs either its name or its id, not both",
);

function result(name: string | null, id: string | null, outcome: Outcome): Result {
  return { name, topicId: id ?? ZERO_UUID, ...outcome };
}

function failure(request: Request, errorCode: number): Response {
  const outcome = refused(errorCode);
  return { responses: namedTopics(request).map((t) => result(t.name, t.topicId, outcome)) };
}
