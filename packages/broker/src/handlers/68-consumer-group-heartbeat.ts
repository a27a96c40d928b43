import { ConsumerGroupHeartbeat, ErrorCode } from "@tarpan/protocol";
import { refused } from "../groups/model/consumer/requests.ts";
import { consumerHeartbeat } from "../groups/operations/consumer-heartbeat.ts";
import { onEach, onGroup } from "../security/permission.ts";
import { allows } from "./allowed.ts";
import { handler } from "./handler.ts";

/**
 * ConsumerGroupHeartbeat: v0-1 (KIP-848).
 * v1 subscription by a regular expression; members generate their own ids (KIP-1082). At level 0 of
 * the feature group.version: UNSUPPORTED_VERSION.
 */
export const consumerGroupHeartbeat = handler({
  api: ConsumerGroupHeartbeat,
  versions: "0-1",
  lane: "group",
  authorize: [onGroup("read"), onEach("describe", "topic")],
  handle: (request, context) => {
    const { services, connection, clientId, version } = context;
    if (services.metadata.groupVersion < 1) return refused(ErrorCode.UNSUPPORTED_VERSION);
    const isDenied = (topic: string) => !allows(context, "describe", "topic", topic);
    if (request.subscribedTopicNames?.some(isDenied)) {
      return refused(ErrorCode.TOPIC_AUTHORIZATION_FAILED);
    }
    const clientHost = `/${connection.remoteAddress}`;
    const heartbeat = { request, version, clientId: clientId ?? "", clientHost };
    return services.groups.run(request.groupId, consumerHeartbeat(heartbeat));
  },
  failure: (_request, errorCode) => refused(errorCode),
});
