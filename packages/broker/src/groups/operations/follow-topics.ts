import type { ConsumerGroup } from "../model/consumer/consumer-group.ts";
import { sameNames } from "../model/consumer/member.ts";
import { epochRecord, type ResolvedRegex, regexRecord } from "../model/consumer/records.ts";
import type { MayDescribe } from "../model/consumer/requests.ts";
import { resolveAgain, resolveRegex } from "../model/consumer/resolve-regex.ts";
import { armRebalance, armSession } from "../model/consumer/sessions.ts";
import { allTopicNames, metadataHashOf, TOPICS_CHANGED } from "../model/consumer/subscriptions.ts";
import type { GroupTurn } from "../turn.ts";

/** Rebalances the groups that are subscribed to topics that were created, deleted or grew. */
export function followTopics(turn: GroupTurn, topics: readonly string[]): void {
  for (const group of turn.state.groups.values()) {
    if (group.kind !== "consumer") continue;
    if (group.regexes.size === 0 && !topics.some((topic) => group.isSubscribedTo(topic))) continue;
    follow(turn, group, (regex, known) => {
      return resolveAgain(regex, known, topics, turn, viewOf(turn, group));
    });
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
    follow(turn, group, (regex, known) => {
      // With ACLs only topics that are gone; the next heartbeat says what its member may describe.
      if (hasAcls(turn)) return resolveAgain(regex, known, known.topics, turn, null);
      const found = resolved.get(regex) ?? resolveRegex(regex, turn, null);
      resolved.set(regex, found);
      return found;
    });
  }
}

/** With ACLs, before the first heartbeat after a load, no topic is added. */
function viewOf(turn: GroupTurn, { mayDescribe }: ConsumerGroup): MayDescribe | null {
  return mayDescribe === null && hasAcls(turn) ? () => false : mayDescribe;
}

function hasAcls({ config }: GroupTurn): boolean {
  return config.authorizerClassName !== "";
}

/**
 * After the first heartbeat of a group, or the first since a load: it tells what members may
 * describe.
 */
export function resolveAsMember(turn: GroupTurn, groupId: string, mayDescribe: MayDescribe): void {
  const group = turn.state.groups.get(groupId);
  if (group?.kind !== "consumer") return;
  group.mayDescribe = mayDescribe;
  if (group.regexes.size === 0) return;
  follow(turn, group, (regex) => resolveRegex(regex, turn, mayDescribe));
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
