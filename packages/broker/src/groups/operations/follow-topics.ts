import type { ConsumerGroup } from "../model/consumer/consumer-group.ts";
import { sameNames } from "../model/consumer/member.ts";
import { epochRecord, type ResolvedRegex, regexRecord } from "../model/consumer/records.ts";
import { resolveAgain, resolveRegex } from "../model/consumer/resolve-regex.ts";
import { armRebalance, armSession } from "../model/consumer/sessions.ts";
import { allTopicNames, metadataHashOf, TOPICS_CHANGED } from "../model/consumer/subscriptions.ts";
import type { GroupTurn } from "../turn.ts";

/** Rebalances the groups that are subscribed to topics that were created, deleted or grew. */
export function followTopics(turn: GroupTurn, topics: readonly string[]): void {
  for (const group of turn.state.groups.values()) {
    if (group.kind !== "consumer") continue;
    if (group.regexes.size === 0 && !topics.some((topic) => group.isSubscribedTo(topic))) continue;
    follow(turn, group, (regex, known) => resolveAgain(regex, known, topics, turn));
  }
}

/**
 * After a load: every member gets a whole session time-out for its next heartbeat, and groups whose
 * topics changed since the last record rebalance.
 */
export function consumersLoaded(turn: GroupTurn): void {
  const resolved = new Map<string, ResolvedRegex>();
  for (const group of turn.state.groups.values()) {
    if (group.kind !== "consumer") continue;
    for (const member of group.members.values()) {
      armSession(turn, group, member);
      if (member.classic === null) armRebalance(turn, group.groupId, member);
    }
    follow(turn, group, (regex) => {
      const known = resolved.get(regex) ?? resolveRegex(regex, turn);
      resolved.set(regex, known);
      return known;
    });
  }
}

/** Moves the group to its next epoch if its subscribed topics changed. */
function follow(
  turn: GroupTurn,
  group: ConsumerGroup,
  resolve: (regex: string, known: ResolvedRegex) => ResolvedRegex,
): void {
  if (group.members.size === 0) return;
  const { groupId } = group;
  const regexes = new Map(group.regexes);
  for (const [regex, known] of regexes) {
    const resolved = resolve(regex, known);
    if (sameNames(resolved.topics, known.topics)) continue;
    regexes.set(regex, resolved);
    turn.append(regexRecord(groupId, regex, resolved));
  }
  const hash = metadataHashOf(allTopicNames(group.subscriptions, regexes), turn.image);
  if (hash !== group.metadataHash) {
    const epoch = group.epoch + 1;
    turn.append(epochRecord(groupId, epoch, hash));
    turn.state.log.rebalances({ group: groupId, epoch }, group.members.size, TOPICS_CHANGED);
  }
}
