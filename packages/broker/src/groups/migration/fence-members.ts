import type { ConsumerGroup } from "../model/consumer/consumer-group.ts";
import type { ConsumerMember } from "../model/consumer/member.ts";
import {
  epochRecord,
  memberTombstones,
  regexTombstone,
  targetEpochRecord,
} from "../model/consumer/records.ts";
import { disarm } from "../model/consumer/sessions.ts";
import { allTopicNames, isRegex, metadataHashOf } from "../model/consumer/subscriptions.ts";
import type { GroupTurn } from "../turn.ts";
import { canDowngrade, convertToClassicGroup } from "./downgrade.ts";

/**
 * Removes members of a consumer group; the next epoch assigns their partitions to the others. When
 * all members that stay use the classic protocol, the group may become a classic one.
 */
export function fenceMembers(
  turn: GroupTurn,
  group: ConsumerGroup,
  members: readonly ConsumerMember[],
  why: string,
): void {
  if (members.length === 0) return;
  const { groupId } = group;
  for (const { memberId } of members) disarm(turn, groupId, memberId);
  if (canDowngrade(group, members, turn)) {
    convertToClassicGroup(turn, group, members);
    return;
  }
  const subscriptions = group.subscriptions.clone();
  for (const member of members) {
    turn.appendAll(memberTombstones(groupId, member.memberId));
    subscriptions.remove(member);
  }
  const regexes = new Map(group.regexes);
  for (const { subscribedTopicRegex: regex } of members) {
    if (!isRegex(regex) || subscriptions.ofRegex(regex) > 0 || !regexes.delete(regex)) continue;
    turn.append(regexTombstone(groupId, regex));
  }
  const { image, wallMs } = turn;
  const epoch = group.epoch + 1;
  const hash = metadataHashOf(allTopicNames(subscriptions, regexes), image);
  turn.append(epochRecord(groupId, epoch, hash));
  const left = group.members.size - members.length;
  turn.state.log.rebalances({ group: groupId, epoch }, left, why);
  // The group is empty. Kafka records the time 0 here; ours tells since when it is empty.
  if (left === 0) turn.append(targetEpochRecord(groupId, epoch, wallMs));
}
