import { ErrorCode, OffsetCommit, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { commitOffsets } from "../groups/operations/commit-offsets.ts";
import { refuseCommit } from "../groups/operations/decide-commit.ts";
import { onEach, onGroup } from "../security/permission.ts";
import { splitTopics } from "./allowed.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * OffsetCommit: v2-10. v2 to v4 the request's own retention · v3 throttle time · v6 leader epochs ·
 * v7 group instance id · v8 flexible · v9 member epochs of the consumer protocol, an error code for
 * an unknown group · v10 topics by id. The empty group id is served, as in Kafka: old consumers
 * commit with it.
 */
export const offsetCommit = handler({
  api: OffsetCommit,
  versions: "2-10",
  lane: "group",
  authorize: [onGroup("read"), onEach("read", "topic")],
  handle,
  failure: refuseCommit,
});

type Request = RequestOf<typeof OffsetCommit>;
type Response = ResponseInput<typeof OffsetCommit>;

const TOPICS_BY_ID_SINCE = 10;

function handle(request: Request, context: RequestContext): Promise<Response> | Response {
  const { services, version } = context;
  const byId = version >= TOPICS_BY_ID_SINCE;
  const { allowed, denied } = splitTopics(context, "read", request.topics, byId);
  const { groupId } = request;
  if (denied.length === 0) return services.groups.run(groupId, commitOffsets(request, version));
  const refused = refuseCommit({ groupId, topics: denied }, ErrorCode.TOPIC_AUTHORIZATION_FAILED);
  if (allowed.length === 0) return refused;
  return services.groups
    .run(groupId, commitOffsets({ ...request, topics: [...allowed] }, version))
    .then(({ topics }) => ({ topics: [...topics, ...refused.topics] }));
}
