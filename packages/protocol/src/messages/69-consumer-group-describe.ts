/**
 * ConsumerGroupDescribe, versions 0-1.
 *
 * - v0: baseline, flexible (KIP-848)
 * - v1: member type (KIP-1099)
 */
import { api, array, bool, i8, i16, i32, string, struct, uuid } from "../schema.ts";

const topicPartitions = {
  topicId: uuid,
  topicName: string,
  partitions: array(i32),
};

const assignment = {
  topicPartitions: array(topicPartitions),
};

export const ConsumerGroupDescribe = api({
  key: 69,
  name: "ConsumerGroupDescribe",
  versions: "0-1",
  flexible: "0+",
  request: {
    groupIds: array(string),
    includeAuthorizedOperations: bool,
  },
  response: {
    throttleTimeMs: i32.default(0),
    groups: array({
      errorCode: i16,
      errorMessage: string.nullable().default(null),
      groupId: string,
      groupState: string,
      groupEpoch: i32,
      assignmentEpoch: i32,
      assignorName: string,
      members: array({
        memberId: string,
        instanceId: string.nullable().default(null),
        rackId: string.nullable().default(null),
        memberEpoch: i32,
        clientId: string,
        clientHost: string,
        subscribedTopicNames: array(string),
        subscribedTopicRegex: string.nullable().default(null),
        assignment: struct(assignment),
        targetAssignment: struct(assignment),
        memberType: i8.default(-1).in("1+"),
      }),
      authorizedOperations: i32.default(-2147483648),
    }),
  },
});
