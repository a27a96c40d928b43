import { ConsumerGroupDescribe, ErrorCode } from "@tarpan/protocol";
import {
  describeConsumerGroup,
  describeConsumerGroupFailed,
} from "../groups/operations/consumer-describe.ts";
import { ALL_GROUP_OPERATIONS, NOT_ASKED } from "../security/authorized-operations.ts";
import { onEach } from "../security/permission.ts";
import { KafkaError } from "../util/kafka-error.ts";
import { handler, type Services } from "./handler.ts";

/**
 * ConsumerGroupDescribe: v0-1 (KIP-848).
 * v1 the protocol that each member uses (KIP-1099). A classic group is answered with
 * GROUP_ID_NOT_FOUND, like an unknown one: DescribeGroups describes it. At level 0 of the feature
 * group.version: UNSUPPORTED_VERSION.
 */
export const consumerGroupDescribe = handler({
  api: ConsumerGroupDescribe,
  versions: "0-1",
  authorize: [onEach("describe", "group")],
  handle: async ({ groupIds, includeAuthorizedOperations }, { services }) => {
    if (services.metadata.groupVersion < 1) {
      return unanswered(groupIds, ErrorCode.UNSUPPORTED_VERSION);
    }
    // Each group once, however often it is named: the answer for one may be long.
    const asked = [...new Set(groupIds)].map((groupId) => describe(services, groupId));
    const described = await Promise.all(asked);
    const groups = described.map((group) => {
      const isAsked = includeAuthorizedOperations && group.errorCode === ErrorCode.NONE;
      return { ...group, authorizedOperations: isAsked ? ALL_GROUP_OPERATIONS : NOT_ASKED };
    });
    return { groups };
  },
  failure: ({ groupIds }, errorCode) => unanswered(groupIds, errorCode),
});

function unanswered(groupIds: readonly string[], errorCode: ErrorCode) {
  return { groups: groupIds.map((groupId) => describeConsumerGroupFailed(groupId, errorCode)) };
}

/** When a coordinator is unavailable, only its own groups get an error. */
async function describe({ groups }: Services, groupId: string) {
  try {
    return await groups.run(groupId, describeConsumerGroup(groupId));
  } catch (error) {
    if (error instanceof KafkaError) return describeConsumerGroupFailed(groupId, error.errorCode);
    throw error;
  }
}
