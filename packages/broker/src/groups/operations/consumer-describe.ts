import {
  type ConsumerGroupDescribe,
  ErrorCode,
  errorOf,
  type ResponseInput,
} from "@tarpan/protocol";
import type { MetadataImage } from "../../metadata/image.ts";
import { fitting } from "../../metadata/outcome.ts";
import {
  type Assignment,
  NO_PARTITIONS,
  topicPartitionsOf,
  union,
} from "../model/consumer/assignment.ts";
import type { ConsumerGroup } from "../model/consumer/consumer-group.ts";
import type { ConsumerMember } from "../model/consumer/member.ts";
import { preferredAssignor } from "../model/consumer/target.ts";
import type { GroupOperation } from "../turn.ts";

export type DescribedGroup = ResponseInput<typeof ConsumerGroupDescribe>["groups"][number];

/** The protocol that a member uses (KIP-1099). */
const MemberType = { classic: 0, consumer: 1 } as const;

export function describeConsumerGroup(groupId: string): GroupOperation<DescribedGroup> {
  return (turn, reply) => {
    const { image, config } = turn;
    const group = turn.state.groups.get(groupId);
    if (group?.kind !== "consumer") {
      const why = fitting(`there is no consumer group ${groupId}`);
      turn.reply(reply, describeConsumerGroupFailed(groupId, ErrorCode.GROUP_ID_NOT_FOUND, why));
      return;
    }
    const members = [...group.members.values()];
    turn.reply(reply, {
      errorCode: ErrorCode.NONE,
      groupId,
      groupState: group.stateName,
      groupEpoch: group.epoch,
      assignmentEpoch: group.assignmentEpoch,
      assignorName: preferredAssignor(members, config.groupConsumerAssignors),
      members: members.map((member) => describeMember(group, member, image)),
    });
  };
}

export function describeConsumerGroupFailed(
  groupId: string,
  errorCode: number,
  errorMessage = errorOf(errorCode).message,
): DescribedGroup {
  return {
    errorCode,
    errorMessage,
    groupId,
    groupState: "",
    groupEpoch: 0,
    assignmentEpoch: 0,
    assignorName: "",
    members: [],
  };
}

function describeMember(group: ConsumerGroup, member: ConsumerMember, image: MetadataImage) {
  return {
    memberId: member.memberId,
    instanceId: member.instanceId,
    rackId: member.rackId,
    memberEpoch: member.epoch,
    clientId: member.clientId,
    clientHost: member.clientHost,
    subscribedTopicNames: [...member.subscribedTopicNames],
    subscribedTopicRegex: member.subscribedTopicRegex,
    // The member still owns the partitions that it has yet to revoke.
    assignment: withNames(union(member.assigned, member.revoking), image),
    targetAssignment: withNames(group.target(member.memberId) ?? NO_PARTITIONS, image),
    memberType: member.classic === null ? MemberType.consumer : MemberType.classic,
  };
}

/** Leaves out deleted topics, which have no name. */
function withNames(assignment: Assignment, image: MetadataImage) {
  const topicPartitions = topicPartitionsOf(assignment).flatMap((topic) => {
    const topicName = image.topicsById.get(topic.topicId)?.name;
    return topicName === undefined ? [] : [{ ...topic, topicName }];
  });
  return { topicPartitions };
}
