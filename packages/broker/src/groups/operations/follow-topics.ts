import type { ConsumerGroup } from "../model/consumer/consumer-group.ts";
import { sameNames } from "../model/consumer/member.ts";
import {
  type ConsumerRecord,
  epochRecord,
  type ResolvedRegex,
  regexRecord,
} from "../model/consumer/records.ts";
import { resolveAgain, resolveRegex } from "../model/consumer/resolve-regex.ts";
import { armRebalance, armSession } from "../model/consumer/sessions.ts";
import { allTopicNames, metadataHashOf, TOPICS_CHANGED } from "../model/consumer/subscriptions.ts";
import type { Effects, GroupContext, Step } from "../operation.ts";

/** Topics that groups may be subscribed to came, went or grew. */
export function topicsChanged(topics: readonly string[]): Step {
  return (state, context, effects) => {
    for (const group of state.groups.values()) {
      if (group.kind !== "consumer") continue;
      if (group.regexes.size === 0 && !topics.some((topic) => group.isSubscribedTo(topic)))
        continue;
      followTopics(group, context, effects, (regex, known) =>
        resolveAgain(regex, known, topics, context),
      );
    }
  };
}

/**
 * Members have their whole session to show that they still live. What happened to topics between
 * the last record and this load is caught up with.
 */
export const consumerLoaded: Step = (state, context, effects) => {
  const resolved = new Map<string, ResolvedRegex>();
  for (const group of state.groups.values()) {
    if (group.kind !== "consumer") continue;
    for (const member of group.members.values()) {
      armSession({ state, context }, group.groupId, member);
      if (member.classic === null) armRebalance({ state, context }, group.groupId, member);
    }
    followTopics(group, context, effects, (regex) => {
      const known = resolved.get(regex) ?? resolveRegex(regex, context);
      resolved.set(regex, known);
      return known;
    });
  }
};

/** Brings the group to its next epoch if its topics are no more what they were. */
function followTopics(
  group: ConsumerGroup,
  context: GroupContext,
  effects: Effects,
  resolve: (regex: string, known: ResolvedRegex) => ResolvedRegex,
): void {
  if (group.members.size === 0) return;
  const { groupId } = group;
  const records: ConsumerRecord[] = [];
  const regexes = new Map(group.regexes);
  for (const [regex, known] of regexes) {
    const resolved = resolve(regex, known);
    if (sameNames(resolved.topics, known.topics)) continue;
    regexes.set(regex, resolved);
    records.push(regexRecord(groupId, regex, resolved));
  }
  const hash = metadataHashOf(allTopicNames(group.subscriptions, regexes), context.image);
  if (hash !== group.metadataHash) {
    const epoch = group.epoch + 1;
    records.push(epochRecord(groupId, epoch, hash));
    context.log.rebalances({ group: groupId, epoch }, group.members.size, TOPICS_CHANGED);
  }
  effects.records.push(...records);
}
