import { ConsumerGroupDescribe, ErrorCode } from "@tarpan/protocol";
import {
  type DescribedGroup,
  describeConsumerGroup,
  describeConsumerGroupFailed,
} from "../groups/operations/consumer-describe.ts";
import { NOT_ASKED } from "../security/authorized-operations.ts";
import { onEach } from "../security/permission.ts";
import { KafkaError } from "../util/kafka-error.ts";
import { allows, operationsOn } from "./allowed.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * ConsumerGroupDescribe: v0-1 (KIP-848).
 * v1 the protocol that each member uses (KIP-1099). A classic group is answered with
 * GROUP_ID_NOT_FOUND, like an unknown one: DescribeGroups describes it. At level 0 of the feature
 * group.version: UNSUPPORTED_VERSION.
 */
export const consumerGroupDescribe = handler({
  api: ConsumerGroupDescribe,
  versions: "0-1",
  authorize: [onEach("describe", "group"), onEach("describe", "topic")],
  handle: async ({ groupIds, includeAuthorizedOperations }, context) => {
    const { services } = context;
    if (services.metadata.groupVersion < 1) {
      return unanswered(groupIds, ErrorCode.UNSUPPORTED_VERSION);
    }
    // Each group once, however often it is named: the answer for one may be long.
    const asked = [...new Set(groupIds)].map((groupId) => describe(context, groupId));
    const described = await Promise.all(asked);
    const groups = described.map((group) => {
      const isAsked = includeAuthorizedOperations && group.errorCode === ErrorCode.NONE;
      const operations = isAsked ? operationsOn(context, "group", group.groupId) : NOT_ASKED;
      return { ...group, authorizedOperations: operations };
    });
    return { groups };
  },
  failure: ({ groupIds }, errorCode) => unanswered(groupIds, errorCode),
});

function unanswered(groupIds: readonly string[], errorCode: ErrorCode) {
  return { groups: groupIds.map((groupId) => describeConsumerGroupFailed(groupId, errorCode)) };
}

/** When a coordinator is unavailable, only its own groups get an error. */
async function describe(context: RequestContext, groupId: string) {
  const { GROUP_AUTHORIZATION_FAILED, TOPIC_AUTHORIZATION_FAILED } = ErrorCode;
  if (!allows(context, "describe", "group", groupId)) {
    return describeConsumerGroupFailed(groupId, GROUP_AUTHORIZATION_FAILED);
  }
  try {
    const group = await context.services.groups.run(groupId, describeConsumerGroup(groupId));
    if (topicsOf(group).every((topic) => allows(context, "describe", "topic", topic))) return group;
    const why = "the group has topics that the client may not describe";
    return describeConsumerGroupFailed(groupId, TOPIC_AUTHORIZATION_FAILED, why);
  } catch (error) {
    if (error instanceof KafkaError) return describeConsumerGroupFailed(groupId, error.errorCode);
    throw error;
  }
}

/** All topics in its members' assignments. */
function topicsOf({ members }: DescribedGroup): string[] {
  return members.flatMap(({ assignment, targetAssignment }) => {
    const both = [...assignment.topicPartitions, ...targetAssignment.topicPartitions];
    return both.map(({ topicName }) => topicName);
  });
}
