import { OffsetCommit } from "@tarpan/protocol";
import { commitOffsets } from "../groups/operations/commit-offsets.ts";
import { refuseCommit } from "../groups/operations/decide-commit.ts";
import { onEach, onGroup } from "../security/permission.ts";
import { handler } from "./handler.ts";

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
  handle: (request, { services, version }) =>
    services.groups.run(request.groupId, commitOffsets(request, version)),
  failure: refuseCommit,
});
