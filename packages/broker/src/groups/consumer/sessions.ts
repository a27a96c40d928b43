/** How members of a consumer group are waited for, and how they are removed. */
import type { Turn } from "../classic/turn.ts";
import type { ConsumerGroup } from "./consumer-group.ts";
import { type Member, MemberState } from "./member.ts";
import { epochRecord, memberTombstones, regexTombstone, targetEpochRecord } from "./records.ts";
import { allTopicNames, isRegex, metadataHashOf } from "./subscriptions.ts";

type Waiting = Pick<Turn, "state" | "context">;

/** Group ids may hold any character: the length keeps two groups' members apart. */
function deadlineId(what: "session" | "rebalance", groupId: string, memberId: string): string {
  return `consumer-${what}/${groupId.length}/${groupId}/${memberId}`;
}

/** Begins a member's session anew. */
export function armSession({ state, context }: Waiting, groupId: string, member: Member): void {
  const { memberId, classic } = member;
  const timeoutMs = classic?.sessionTimeoutMs ?? context.config.groupConsumerSessionTimeoutMs;
  const id = deadlineId("session", groupId, memberId);
  state.deadlines.set(id, context.nowMs + timeoutMs, (state, context, effects) => {
    expire({ state, context, effects }, groupId, memberId, null);
  });
}

/**
 * A member that is to give partitions up has its rebalance time-out to say so, counted from the
 * last change of what it is to give up.
 */
export function armRebalance({ state, context }: Waiting, groupId: string, member: Member): void {
  const { memberId, epoch, rebalanceTimeoutMs } = member;
  const id = deadlineId("rebalance", groupId, memberId);
  if (member.state !== MemberState.unrevokedPartitions) {
    state.deadlines.clear(id);
    return;
  }
  state.deadlines.set(id, context.nowMs + rebalanceTimeoutMs, (state, context, effects) => {
    expire({ state, context, effects }, groupId, memberId, epoch);
  });
}

export function disarm({ state }: Pick<Turn, "state">, groupId: string, memberId: string): void {
  state.deadlines.clear(deadlineId("session", groupId, memberId));
  state.deadlines.clear(deadlineId("rebalance", groupId, memberId));
}

/** Removes a member whose time is over; with an epoch only if it has not left that one. */
function expire(turn: Turn, groupId: string, memberId: string, epoch: number | null): void {
  const group = turn.state.groups.get(groupId);
  if (group?.kind !== "consumer") return;
  const member = group.members.get(memberId);
  if (member === undefined || (epoch !== null && member.epoch !== epoch)) return;
  fenceMembers(turn, group, [member]);
}

/** Removes members; what they had is free for the others in the next epoch. */
export function fenceMembers(turn: Turn, group: ConsumerGroup, members: readonly Member[]): void {
  if (members.length === 0) return;
  const { groupId } = group;
  const { records } = turn.effects;
  const subscriptions = group.subscriptions.clone();
  for (const member of members) {
    records.push(...memberTombstones(groupId, member.memberId));
    subscriptions.remove(member);
    disarm(turn, groupId, member.memberId);
  }
  const regexes = new Map(group.regexes);
  for (const { subscribedTopicRegex: regex } of members) {
    if (!isRegex(regex) || subscriptions.ofRegex(regex) > 0 || !regexes.delete(regex)) continue;
    records.push(regexTombstone(groupId, regex));
  }
  const { image, wallMs } = turn.context;
  const epoch = group.epoch + 1;
  const hash = metadataHashOf(allTopicNames(subscriptions, regexes), image);
  records.push(epochRecord(groupId, epoch, hash));
  // Nobody is left to be assigned to. Kafka's record bears no time here; ours tells since when.
  if (group.members.size === members.length) {
    records.push(targetEpochRecord(groupId, epoch, wallMs));
  }
}
