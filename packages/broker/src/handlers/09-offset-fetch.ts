import {
  ErrorCode,
  OffsetFetch,
  type RequestOf,
  type ResponseInput,
  ZERO_UUID,
} from "@tarpan/protocol";
import {
  fetchOffsets,
  type GroupOffsets,
  type WantedOffsets,
} from "../groups/operations/fetch-offsets.ts";
import { onEach } from "../security/permission.ts";
import { KafkaError } from "../util/kafka-error.ts";
import { allows, couldDo, splitTopics } from "./allowed.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * OffsetFetch: v1-10. v2 null asks for all topics, an error for the whole answer · v3 throttle time
 * · v5 leader epochs · v6 flexible · v7 require stable · v8 several groups · v9 member ids and
 * epochs · v10 topics by id.
 */
export const offsetFetch = handler({
  api: OffsetFetch,
  versions: "1-10",
  lane: "group",
  authorize: [onEach("describe", "group"), onEach("describe", "topic")],
  handle,
  failure,
});

type Request = RequestOf<typeof OffsetFetch>;
type Response = ResponseInput<typeof OffsetFetch>;
type WantedTopic = NonNullable<WantedOffsets["topics"]>[number];

const GROUP_ERROR_SINCE = 2;
const GROUPS_SINCE = 8;
const TOPICS_BY_ID_SINCE = 10;

async function handle(request: Request, context: RequestContext): Promise<Response> {
  const groups = wantedGroups(request, context.version);
  const answers = await Promise.all(
    groups.map((group) => fetchGroup(group, request.requireStable, context)),
  );
  return respond(request, answers, context.version);
}

/** When a coordinator is unavailable, only its own groups get an error. */
async function fetchGroup(
  wanted: WantedOffsets,
  requireStable: boolean,
  context: RequestContext,
): Promise<GroupOffsets> {
  const { services, version } = context;
  const { groupId } = wanted;
  if (!allows(context, "describe", "group", groupId)) {
    return groupError(wanted, ErrorCode.GROUP_AUTHORIZATION_FAILED);
  }
  try {
    const byId = version >= TOPICS_BY_ID_SINCE;
    const asked = splitTopics(context, "describe", wanted.topics ?? [], byId);
    const topics = wanted.topics && [...asked.allowed];
    const operation = fetchOffsets({ ...wanted, topics }, byId, requireStable);
    const found = await services.groups.run(groupId, operation);
    if (wanted.topics === null) {
      // Of all topics only those that the client may know of.
      const isKnown = ({ name = "" }) => couldDo(context, "describe", "topic", name);
      return { ...found, topics: found.topics.filter(isKnown) };
    }
    return { ...found, topics: [...found.topics, ...asked.denied.map(deniedTopic)] };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return groupError(wanted, error.errorCode);
  }
}

function deniedTopic({ name, topicId, partitionIndexes }: WantedTopic): GroupOffsets["topics"][0] {
  const errorCode = ErrorCode.TOPIC_AUTHORIZATION_FAILED;
  const partitions = partitionIndexes.map((partitionIndex) =>
    refusedPartition(partitionIndex, errorCode),
  );
  return { name, topicId, partitions };
}

function refusedPartition(partitionIndex: number, errorCode: number) {
  return { partitionIndex, committedOffset: -1, metadata: "", errorCode };
}

/**
 * Replaces COORDINATOR_NOT_AVAILABLE, as Kafka does: it is a fatal error here for Java consumers
 * before 3.9.
 */
function groupError({ groupId }: WantedOffsets, errorCode: number): GroupOffsets {
  const { COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR } = ErrorCode;
  const sent = errorCode === COORDINATOR_NOT_AVAILABLE ? NOT_COORDINATOR : errorCode;
  return { groupId, topics: [], errorCode: sent };
}

function wantedGroups({ groupId, topics, groups }: Request, version: number): WantedOffsets[] {
  if (version >= GROUPS_SINCE) return groups;
  const named = topics?.map((topic) => ({ ...topic, topicId: ZERO_UUID })) ?? null;
  return [{ groupId, topics: named, memberId: null, memberEpoch: -1 }];
}

function respond(request: Request, groups: GroupOffsets[], version: number): Response {
  if (version >= GROUPS_SINCE) return { topics: [], groups };
  const { topics, errorCode = ErrorCode.NONE } = groups[0]!;
  if (errorCode === ErrorCode.NONE || version >= GROUP_ERROR_SINCE) {
    return { topics: topics as Response["topics"], errorCode, groups: [] };
  }
  const refused = (request.topics ?? []).map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((index) => refusedPartition(index, errorCode)),
  }));
  return { topics: refused, groups: [] };
}

function failure(request: Request, errorCode: number, { version }: RequestContext): Response {
  const groups = wantedGroups(request, version).map((group) => groupError(group, errorCode));
  return respond(request, groups, version);
}
