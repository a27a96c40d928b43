import { ConsumerGroupHeartbeat, ErrorCode } from "@tarpan/protocol";
import { type MayDescribe, refused } from "../groups/model/consumer/requests.ts";
import { consumerHeartbeat } from "../groups/operations/consumer-heartbeat.ts";
import { onEach, onGroup } from "../security/permission.ts";
import { handler, type RequestContext } from "./handler.ts";

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
    const mayDescribe = services.authorizer.hasAcls ? describeCheck(context) : null;
    const names = request.subscribedTopicNames;
    if (mayDescribe !== null && names !== null && !names.every(mayDescribe)) {
      return refused(ErrorCode.TOPIC_AUTHORIZATION_FAILED);
    }
    const clientHost = `/${connection.remoteAddress}`;
    const sender = { clientId: clientId ?? "", clientHost, ...(mayDescribe && { mayDescribe }) };
    const heartbeat = { request, version, ...sender };
    return services.groups.run(request.groupId, consumerHeartbeat(heartbeat));
  },
  failure: (_request, errorCode) => refused(errorCode),
});

/** The group keeps it for its regular expressions, but not the connection. */
function describeCheck({ services, connection }: RequestContext): MayDescribe {
  const { principal, remoteAddress } = connection;
  const client = { principal, remoteAddress };
  return (topic) => services.authorizer.allows(client, "describe", "topic", topic);
}
