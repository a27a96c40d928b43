/** How members of a consumer group are waited for, and how they are removed. */

import { canDowngrade, downgrade } from "../../migration/downgrade.ts";
import type { Turn } from "../classic/turn.ts";
import type { ConsumerGroup } from "./consumer-group.ts";
import { type Member, MemberState } from "./member.ts";
import { epochRecord, memberTombstones, regexTombstone, targetEpochRecord } from "./records.ts";
import { allTopicNames, isRegex, metadataHashOf } from "./subscriptions.ts";
import { sessionTimeoutMs } from "./timings.ts";

type Waiting = Pick<Turn, "state" | "context">;

type What = "session" | "rebalance" | "join" | "sync";

/** The request that an expired member has not sent. */
const MISSING: Readonly<Record<What, string>> = {
  session: "Heartbeat",
  rebalance: "ConsumerGroupHeartbeat that gives up what it shall not have",
  join: "JoinGroup",
  sync: "SyncGroup",
};

/** Group ids may hold any character: the length keeps two groups' members apart. */
function deadlineId(what: What, groupId: string, memberId: string): string {
  return `consumer-${what}/${groupId.length}/${groupId}/${memberId}`;
}

/** Removes the member after `delayMs`, if `still` holds of it then. */
function arm(
  { state, context }: Waiting,
  what: What,
  groupId: string,
  { memberId }: Member,
  delayMs: number,
  still: (member: Member) => boolean,
): void {
  const id = deadlineId(what, groupId, memberId);
  state.deadlines.set(id, context.nowMs + delayMs, (state, context, effects) => {
    const group = state.groups.get(groupId);
    if (group?.kind !== "consumer") return;
    const member = group.members.get(memberId);
    if (member === undefined || !still(member)) return;
    const of = { group: groupId, epoch: group.epoch };
    context.log.expired(of, member, MISSING[what], delayMs);
    fenceMembers({ state, context, effects }, group, [member], "a member has expired");
  });
}

/** Begins a member's session anew. */
export function armSession(waiting: Waiting, groupId: string, member: Member): void {
  const timeoutMs = member.classic?.sessionTimeoutMs ?? sessionTimeoutMs(waiting.context, groupId);
  arm(waiting, "session", groupId, member, timeoutMs, always);
}

const always = () => true;
const isClassic = ({ classic }: Member) => classic !== null;

/**
 * A member that is to give partitions up has its rebalance time-out to say so, counted from the
 * last change of what it is to give up.
 */
export function armRebalance(waiting: Waiting, groupId: string, member: Member): void {
  const { memberId, epoch, rebalanceTimeoutMs } = member;
  if (member.state === MemberState.unrevokedPartitions) {
    const still = (now: Member) => now.epoch === epoch;
    arm(waiting, "rebalance", groupId, member, rebalanceTimeoutMs, still);
  } else {
    waiting.state.deadlines.clear(deadlineId("rebalance", groupId, memberId));
  }
}

/** A classic member that was told to join again has its rebalance time-out to do so. */
export function armJoin(waiting: Waiting, groupId: string, member: Member): void {
  if (waiting.state.deadlines.has(deadlineId("join", groupId, member.memberId))) return;
  arm(waiting, "join", groupId, member, member.rebalanceTimeoutMs, isClassic);
}

/** A classic member that has joined has as long to ask for its assignment. */
export function armSync(waiting: Waiting, groupId: string, member: Member): void {
  arm(waiting, "sync", groupId, member, member.rebalanceTimeoutMs, isClassic);
}

export function disarmSync({ state }: Waiting, groupId: string, memberId: string): void {
  state.deadlines.clear(deadlineId("sync", groupId, memberId));
}

export function disarm({ state }: Waiting, groupId: string, memberId: string): void {
  for (const what of ["session", "rebalance", "join", "sync"] as const) {
    state.deadlines.clear(deadlineId(what, groupId, memberId));
  }
}

/** Removes members; what they had is free for the others in the next epoch. */
export function fenceMembers(
  turn: Turn,
  group: ConsumerGroup,
  members: readonly Member[],
  why: string,
): void {
  if (members.length === 0) return;
  const { groupId } = group;
  const { records } = turn.effects;
  for (const { memberId } of members) disarm(turn, groupId, memberId);
  if (canDowngrade(group, members, turn.context)) {
    downgrade(turn, group, members);
    return;
  }
  const subscriptions = group.subscriptions.clone();
  for (const member of members) {
    records.push(...memberTombstones(groupId, member.memberId));
    subscriptions.remove(member);
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
  const left = group.members.size - members.length;
  turn.context.log.rebalances({ group: groupId, epoch }, left, why);
  // Nobody is left to be assigned to. Kafka's record bears no time here; ours tells since when.
  if (left === 0) {
    records.push(targetEpochRecord(groupId, epoch, wallMs));
  }
}
