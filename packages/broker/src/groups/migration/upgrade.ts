import { ErrorCode } from "@tarpan/protocol";
import { CONSUMER_PROTOCOL_TYPE } from "../limits.ts";
import type { ClassicGroup } from "../model/classic/group.ts";
import { type ClassicMember, metadataOf } from "../model/classic/member.ts";
import { EMPTY_BYTES } from "../model/classic/records.ts";
import { dismiss } from "../model/classic/sessions.ts";
import { assignmentOf, filtered, has, NO_PARTITIONS, union } from "../model/consumer/assignment.ts";
import { ConsumerGroup } from "../model/consumer/consumer-group.ts";
import { type ConsumerMember, newMember, sortedNames } from "../model/consumer/member.ts";
import {
  type ConsumerRecord,
  currentRecord,
  epochRecord,
  memberRecord,
  targetEpochRecord,
  targetRecord,
} from "../model/consumer/records.ts";
import { type HeartbeatAnswer, refused } from "../model/consumer/requests.ts";
import { armSession } from "../model/consumer/sessions.ts";
import { metadataHashOf } from "../model/consumer/subscriptions.ts";
import { classicJoinKey, classicSyncKey } from "../model/timers.ts";
import type { GroupTurn } from "../turn.ts";
import { assignmentFrom, subscriptionFrom } from "./embedded-protocol.ts";

/** The group of a heartbeat; it may not be recorded yet. */
export interface FoundGroup {
  readonly group: ConsumerGroup;
  /** Appends the conversion's records; called once the heartbeat can't be refused any more. */
  readonly commit: () => void;
}

/**
 * Converts a classic group of consumers to a consumer group when the first member of the consumer
 * protocol joins it (KIP-848). Its generation becomes the epoch, its assignment the target. Its
 * members stay, use the classic protocol and keep their partitions.
 */
export function convertToConsumerGroup(
  turn: GroupTurn,
  classic: ClassicGroup,
): FoundGroup | HeartbeatAnswer {
  const members = canUpgrade(classic, turn) ? membersOf(classic, turn) : null;
  if (members === null) {
    const why = `group ${classic.groupId} is a classic group and can't become a consumer group`;
    return refused(ErrorCode.GROUP_ID_NOT_FOUND, why);
  }
  const records = recordsOf(classic, members, turn);
  const group = new ConsumerGroup(classic.groupId);
  for (const record of records) group.apply(record);
  const commit = () => {
    turn.appendAll(classic.tombstones());
    turn.appendAll(records);
    turn.state.log.rebalances(
      { group: classic.groupId, epoch: group.epoch },
      members.length,
      "the group was converted to the consumer protocol",
    );
    for (const member of [...classic.live.members.values()]) {
      dismiss(turn, classic, member, member.memberId, ErrorCode.REBALANCE_IN_PROGRESS);
    }
    turn.disarm(classicJoinKey(classic.groupId));
    turn.disarm(classicSyncKey(classic.groupId));
    for (const member of members) armSession(turn, group, member);
  };
  return { group, commit };
}

function canUpgrade({ live }: ClassicGroup, { config }: GroupTurn): boolean {
  const policy = config.groupConsumerMigrationPolicy;
  return (
    (policy === "upgrade" || policy === "bidirectional") &&
    live.protocolType === CONSUMER_PROTOCOL_TYPE &&
    live.members.size <= config.groupConsumerMaxSize
  );
}

/** Null when a member's subscription or assignment can't be read, or would lose user data. */
function membersOf(classic: ClassicGroup, turn: GroupTurn): ConsumerMember[] | null {
  const members: ConsumerMember[] = [];
  let held = NO_PARTITIONS;
  for (const member of classic.live.members.values()) {
    const converted = convert(classic, member, turn);
    if (converted === null) return null;
    // The leader may have assigned a partition to two members: only the first keeps it.
    const assigned = filtered(converted.assigned, (id, partition) => !has(held, id, partition));
    held = union(held, assigned);
    members.push({ ...converted, assigned });
  }
  return members;
}

function convert(
  { live, recorded }: ClassicGroup,
  classic: ClassicMember,
  { image }: GroupTurn,
): ConsumerMember | null {
  const { memberId, protocols } = classic;
  const metadata = metadataOf(classic, live.protocol ?? "") ?? protocols[0]?.metadata;
  const subscription = subscriptionFrom(metadata ?? EMPTY_BYTES);
  const bytes = recorded.members.get(memberId)?.assignment ?? EMPTY_BYTES;
  const assignment = assignmentFrom(bytes, image);
  if (subscription === null || assignment === null || assignment === "lossy") return null;
  return {
    ...newMember(memberId),
    instanceId: classic.groupInstanceId,
    rackId: subscription.rackId,
    clientId: classic.clientId,
    clientHost: classic.clientHost,
    subscribedTopicNames: sortedNames(subscription.topics),
    rebalanceTimeoutMs: classic.rebalanceTimeoutMs,
    classic: {
      sessionTimeoutMs: classic.sessionTimeoutMs,
      supportedProtocols: protocols.map(({ name, metadata }) => ({ name, metadata })),
    },
    epoch: live.generation,
    previousEpoch: live.generation,
    assigned: assignmentOf(assignment),
  };
}

function recordsOf(
  { groupId, live }: ClassicGroup,
  members: readonly ConsumerMember[],
  { image }: GroupTurn,
): ConsumerRecord[] {
  const names = members.flatMap(({ subscribedTopicNames }) => subscribedTopicNames);
  return [
    ...members.map((member) => memberRecord(groupId, member)),
    epochRecord(groupId, live.generation, metadataHashOf(names, image)),
    ...members.map(({ memberId, assigned }) => targetRecord(groupId, memberId, assigned)),
    targetEpochRecord(groupId, live.generation, 0),
    ...members.map((member) => currentRecord(groupId, member)),
  ];
}
