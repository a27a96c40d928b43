import { ErrorCode } from "@tarpan/protocol";
import type { GroupTurn } from "../../turn.ts";
import { RegexError } from "../regex/topic-pattern.ts";
import { type Admission, isRefused } from "./admission.ts";
import { type Assignment, NO_PARTITIONS, type TopicPartitions } from "./assignment.ts";
import type { ConsumerGroup } from "./consumer-group.ts";
import {
  type ConsumerMember,
  isReconciledTo,
  MemberEpoch,
  sameCurrentAssignment,
  sameDescription,
  sameNames,
} from "./member.ts";
import { reconcile } from "./reconcile.ts";
import {
  type ConsumerRecord,
  currentRecord,
  epochRecord,
  memberRecord,
  memberTombstones,
  type ResolvedRegex,
  regexRecord,
  regexTombstone,
  targetRecord,
} from "./records.ts";
import { type HeartbeatAnswer, refused } from "./requests.ts";
import { resolveRegex } from "./resolve-regex.ts";
import {
  allTopicNames,
  isRegex,
  metadataHashOf,
  type SubscriptionCounts,
  TOPICS_CHANGED,
} from "./subscriptions.ts";
import { computeTarget, preferredAssignor } from "./target.ts";

export interface MemberUpdate {
  readonly group: ConsumerGroup;
  readonly admission: Admission;
  /** The member as this request describes it, with the assignment it had. */
  readonly next: ConsumerMember;
  /** The partitions that the member says it owns; null when it does not say. */
  readonly owned: readonly TopicPartitions[] | null;
  readonly turn: GroupTurn;
  /** The decision's records are added here. */
  readonly records: ConsumerRecord[];
}

/**
 * The three steps of every heartbeat (KIP-848). The member's description is updated, which may move
 * the group to its next epoch. A new epoch gets a new target assignment. The member takes a step
 * towards its target.
 */
export function updateMember(update: MemberUpdate): ConsumerMember | HeartbeatAnswer {
  const { group, next } = update;
  if (hasNothingToDo(update)) return next;
  const described = describeMember(update);
  if (isRefused(described)) return described;
  logUpdate(update, described);
  const { regexes, subscriptionChanged } = described;
  let target = targetOf(update, next.memberId) ?? NO_PARTITIONS;
  let targetEpoch = group.assignmentEpoch;
  if (described.epoch > group.assignmentEpoch) {
    const { targets, records } = computeTarget(
      {
        groupId: group.groupId,
        epoch: described.epoch,
        members: membersWith(update),
        regexes,
        targetOf: (memberId) => targetOf(update, memberId),
      },
      update.turn,
    );
    update.records.push(...records);
    target = targets.get(next.memberId) ?? NO_PARTITIONS;
    targetEpoch = described.epoch;
  }
  return progress(update, { target, targetEpoch, regexes, subscriptionChanged });
}

/** Nearly every heartbeat is from a member that changes nothing and has its whole target. */
function hasNothingToDo({ group, admission, next }: MemberUpdate): boolean {
  const { epoch, assignmentEpoch } = group;
  const settled = epoch === assignmentEpoch && isReconciledTo(next, assignmentEpoch);
  return settled && next === admission.member;
}

/** Members of both protocols join here, so this logs joins and rebalances of both. */
function logUpdate(update: MemberUpdate, { epoch, newEpochFor }: Described): void {
  const { group, admission, next, turn } = update;
  const logFields = { group: group.groupId, epoch };
  if (admission.isNew) turn.state.log.joined(logFields, next);
  else if (admission.replaced !== null || admission.member.epoch === MemberEpoch.leaveStatic) {
    turn.state.log.joined(logFields, next, "a static member came back");
  }
  if (newEpochFor === null) return;
  turn.state.log.rebalances(logFields, membersWith(update).length, newEpochFor);
}

interface Described {
  readonly epoch: number;
  readonly regexes: ReadonlyMap<string, ResolvedRegex>;
  readonly subscriptionChanged: boolean;
  /** Why the group moves to another epoch, for the log; null when it does not. */
  readonly newEpochFor: string | null;
}

function describeMember(update: MemberUpdate): Described | HeartbeatAnswer {
  const { group, admission, next, turn, records } = update;
  const { member, isNew, replaced } = admission;
  if (replaced !== null) records.push(...replacement(update, replaced));
  if (!isNew && sameDescription(member, next)) {
    const { epoch, regexes } = group;
    return { epoch, regexes, subscriptionChanged: false, newEpochFor: null };
  }
  records.push(memberRecord(group.groupId, next));
  const subscriptions = group.subscriptions.clone();
  if (!isNew) subscriptions.remove(replaced ?? member);
  subscriptions.add(next);
  const regexes = followRegex(update, subscriptions);
  if (isRefused(regexes)) return regexes;
  const subscriptionChanged =
    !sameNames(member.subscribedTopicNames, next.subscribedTopicNames) ||
    (member.subscribedTopicRegex ?? "") !== (next.subscribedTopicRegex ?? "");
  const hash = metadataHashOf(allTopicNames(subscriptions, regexes), turn.image);
  let newEpochFor: string | null = null;
  if (isNew) newEpochFor = "a member joined";
  else if (subscriptionChanged) newEpochFor = "a member changed its subscription";
  else if (hash !== group.metadataHash) newEpochFor = TOPICS_CHANGED;
  else if (assignorChanges(update)) newEpochFor = "the group's assignor changed";
  const epoch = newEpochFor === null ? group.epoch : group.epoch + 1;
  if (newEpochFor !== null) records.push(epochRecord(group.groupId, epoch, hash));
  return { epoch, regexes, subscriptionChanged, newEpochFor };
}

function replacement(
  { group, admission }: MemberUpdate,
  replaced: ConsumerMember,
): ConsumerRecord[] {
  const { groupId } = group;
  const { member } = admission;
  return [
    ...memberTombstones(groupId, replaced.memberId),
    memberRecord(groupId, member),
    targetRecord(groupId, member.memberId, group.target(replaced.memberId) ?? NO_PARTITIONS),
    currentRecord(groupId, member),
  ];
}

/** Resolves a regular expression that is new to the group; removes one without subscribers. */
function followRegex(
  { group, admission, next, turn, records }: MemberUpdate,
  subscriptions: SubscriptionCounts,
): ReadonlyMap<string, ResolvedRegex> | HeartbeatAnswer {
  const { groupId } = group;
  const former = admission.member.subscribedTopicRegex;
  const regex = next.subscribedTopicRegex;
  if (former === regex) return group.regexes;
  const regexes = new Map(group.regexes);
  if (isRegex(former) && subscriptions.ofRegex(former) === 0 && regexes.delete(former)) {
    records.push(regexTombstone(groupId, former));
  }
  if (isRegex(regex) && !regexes.has(regex)) {
    try {
      const resolved = resolveRegex(regex, turn, group.mayDescribe);
      regexes.set(regex, resolved);
      records.push(regexRecord(groupId, regex, resolved));
    } catch (error) {
      if (!(error instanceof RegexError)) throw error;
      const why = `the regular expression can't be used: ${error.message}`;
      return refused(ErrorCode.INVALID_REGULAR_EXPRESSION, why);
    }
  }
  return regexes;
}

function assignorChanges(update: MemberUpdate): boolean {
  const { group, admission, next, turn } = update;
  if (admission.member.serverAssignor === next.serverAssignor) return false;
  const configured = turn.config.groupConsumerAssignors;
  const before = preferredAssignor(group.members.values(), configured);
  return before !== preferredAssignor(membersWith(update), configured);
}

/** The group's members after this update. */
function membersWith({ group, admission, next }: MemberUpdate): ConsumerMember[] {
  const without = admission.replaced?.memberId ?? next.memberId;
  const others = [...group.members.values()].filter(({ memberId }) => memberId !== without);
  return [...others, next];
}

/** A static member that replaces another gets that member's target. */
function targetOf({ group, admission, next }: MemberUpdate, id: string): Assignment | undefined {
  const { replaced } = admission;
  if (replaced === null || id !== next.memberId) return group.target(id);
  return group.target(replaced.memberId) ?? NO_PARTITIONS;
}

interface Step extends Omit<Described, "epoch" | "newEpochFor"> {
  readonly target: Assignment;
  readonly targetEpoch: number;
}

function progress(update: MemberUpdate, { regexes, ...step }: Step): ConsumerMember {
  const { group, next, owned, turn, records } = update;
  const matching = regexes.get(next.subscribedTopicRegex ?? "")?.topics;
  const updated = reconcile(next, {
    ...step,
    owned,
    ownerOf: (topicId, partition) => group.ownerOf(topicId, partition),
    isSubscribed: (topicId) => {
      const name = turn.image.topicsById.get(topicId)?.name;
      if (name === undefined) return false;
      return next.subscribedTopicNames.includes(name) || (matching?.includes(name) ?? false);
    },
  });
  if (!sameCurrentAssignment(next, updated)) records.push(currentRecord(group.groupId, updated));
  return updated;
}
