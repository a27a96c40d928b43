import { ErrorCode, type GroupRecord } from "@tarpan/protocol";
import { type GroupLike, namesNoMember } from "../group.ts";
import { type ConsumerSessionTimer, memberTimer } from "../timers.ts";
import {
  type Assignment,
  assignmentOf,
  has,
  NO_EPOCHS,
  NO_PARTITIONS,
  type TopicPartitions,
} from "./assignment.ts";
import { type ConsumerMember, heldSince, isReconciledTo, newMember } from "./member.ts";
import {
  type ConsumerRecord,
  currentRecord,
  epochRecord,
  groupTombstones,
  memberRecord,
  memberTombstones,
  type ResolvedRegex,
  regexRecord,
  regexTombstone,
  targetEpochRecord,
  targetRecord,
  withAssignment,
  withDescription,
} from "./records.ts";
import type { MayDescribe } from "./requests.ts";
import { isRegex, SubscriptionCounts } from "./subscriptions.ts";

/** The first version of OffsetCommit that has a member epoch. */
const MEMBER_EPOCH_VERSION = 9;

/**
 * A group of the consumer protocol (KIP-848).
 *
 * Invariants:
 * 1. Only `apply` changes it: its state follows from its records.
 * 2. A partition has at most one owner: a member that is assigned it, or has yet to revoke it. Only
 *    a partition without an owner is assigned to another member.
 * 3. No member epoch is above `assignmentEpoch`, and `assignmentEpoch` is not above `epoch`.
 */
export class ConsumerGroup implements GroupLike {
  readonly kind = "consumer";
  readonly protocolType = "consumer";
  readonly groupId: string;
  readonly #members = new Map<string, ConsumerMember>();
  readonly #staticMembers = new Map<string, string>();
  readonly #targets = new Map<string, Assignment>();
  readonly #regexes = new Map<string, ResolvedRegex>();
  readonly #sessions = new Map<string, ConsumerSessionTimer>();
  readonly #subscriptions = new SubscriptionCounts();
  /** Member ids by topic id and partition. */
  readonly #owners = new Map<string, Map<number, string>>();
  /** Of the last heartbeat, for regular expressions; soft state, null without ACLs. */
  mayDescribe: MayDescribe | null = null;
  #epoch = 0;
  #metadataHash = 0n;
  #assignmentEpoch = 0;
  #assignmentTimestampMs = 0;
  #classicMembers = 0;

  constructor(groupId: string) {
    this.groupId = groupId;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Hash of the subscribed topics at the time of the group's epoch. */
  get metadataHash(): bigint {
    return this.#metadataHash;
  }

  get assignmentEpoch(): number {
    return this.#assignmentEpoch;
  }

  get members(): ReadonlyMap<string, ConsumerMember> {
    return this.#members;
  }

  get regexes(): ReadonlyMap<string, ResolvedRegex> {
    return this.#regexes;
  }

  /** The members' subscriptions. Clone them before you change them. */
  get subscriptions(): SubscriptionCounts {
    return this.#subscriptions;
  }

  get classicMemberCount(): number {
    return this.#classicMembers;
  }

  staticMember(instanceId: string | null): ConsumerMember | undefined {
    if (instanceId === null) return undefined;
    const memberId = this.#staticMembers.get(instanceId);
    return memberId === undefined ? undefined : this.#members.get(memberId);
  }

  /** One object per member, because every heartbeat arms it again. */
  sessionOf(memberId: string): ConsumerSessionTimer {
    let session = this.#sessions.get(memberId);
    if (session === undefined) {
      session = memberTimer("consumer-session", this.groupId, memberId);
      this.#sessions.set(memberId, session);
    }
    return session;
  }

  /** Undefined for a member without a target assignment yet. */
  target(memberId: string): Assignment | undefined {
    return this.#targets.get(memberId);
  }

  ownerOf(topicId: string, partition: number): string | undefined {
    return this.#owners.get(topicId)?.get(partition);
  }

  get stateName(): string {
    if (this.#members.size === 0) return "Empty";
    if (this.#epoch > this.#assignmentEpoch) return "Assigning";
    for (const member of this.#members.values()) {
      if (!isReconciledTo(member, this.#assignmentEpoch)) return "Reconciling";
    }
    return "Stable";
  }

  validateOffsetCommit(
    memberId: string,
    groupInstanceId: string | null,
    generation: number,
    apiVersion: number | null,
    wanted: () => readonly TopicPartitions[],
  ): number {
    if (generation < 0 && this.#members.size === 0) return ErrorCode.NONE;
    if (apiVersion === null && namesNoMember(memberId, groupInstanceId, generation)) {
      return ErrorCode.NONE;
    }
    const member = this.#members.get(memberId);
    const isTooOld = apiVersion !== null && apiVersion < MEMBER_EPOCH_VERSION;
    if (isTooOld && member !== undefined && member.classic === null) {
      return ErrorCode.UNSUPPORTED_VERSION;
    }
    const errorCode = this.#validateEpoch(memberId, generation);
    if (errorCode === ErrorCode.NONE || member === undefined || generation > member.epoch) {
      return errorCode;
    }
    // The member may not have received its new epoch: the epoch at which it got the partitions
    // is enough (KIP-1251).
    return hasHeldSince(member, wanted(), generation) ? ErrorCode.NONE : errorCode;
  }

  validateOffsetFetch(memberId: string | null, memberEpoch: number): number {
    if (memberId === null && memberEpoch < 0) return ErrorCode.NONE;
    return this.#validateEpoch(memberId ?? "", memberEpoch);
  }

  #validateEpoch(memberId: string, epoch: number): number {
    const member = this.#members.get(memberId);
    if (member === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
    if (epoch === member.epoch) return ErrorCode.NONE;
    return member.classic === null ? ErrorCode.STALE_MEMBER_EPOCH : ErrorCode.ILLEGAL_GENERATION;
  }

  isSubscribedTo(topic: string): boolean {
    for (const { names, regex } of this.#subscriptions.distinct()) {
      if (names.includes(topic)) return true;
      if (isRegex(regex) && this.#regexes.get(regex)?.topics.includes(topic)) return true;
    }
    return false;
  }

  /** The time of the record that emptied the group; Kafka records 0 there. */
  get emptySinceMs(): number | null {
    return this.#members.size === 0 ? this.#assignmentTimestampMs : null;
  }

  validateDelete(): number {
    return this.#members.size === 0 ? ErrorCode.NONE : ErrorCode.NON_EMPTY_GROUP;
  }

  tombstones(): GroupRecord[] {
    const { groupId } = this;
    return [
      ...[...this.#members.keys()].flatMap((memberId) => memberTombstones(groupId, memberId)),
      ...[...this.#regexes.keys()].map((regex) => regexTombstone(groupId, regex)),
      ...groupTombstones(groupId),
    ];
  }

  /** Records that restore this group; applying them to it changes nothing. */
  snapshot(): GroupRecord[] {
    const { groupId } = this;
    const members = [...this.#members.values()];
    return [
      epochRecord(groupId, this.#epoch, this.#metadataHash),
      ...members.map((member) => memberRecord(groupId, member)),
      ...[...this.#regexes].map(([regex, resolved]) => regexRecord(groupId, regex, resolved)),
      ...[...this.#targets].map(([memberId, target]) => targetRecord(groupId, memberId, target)),
      targetEpochRecord(groupId, this.#assignmentEpoch, this.#assignmentTimestampMs),
      ...members.map((member) => currentRecord(groupId, member)),
    ];
  }

  apply(record: ConsumerRecord): void {
    switch (record.record) {
      case "ConsumerGroupMetadata":
        this.#epoch = record.value?.epoch ?? 0;
        this.#metadataHash = record.value?.metadataHash ?? 0n;
        break;
      case "ConsumerGroupMemberMetadata": {
        const { memberId } = record.key;
        const known = this.#members.get(memberId);
        const { value } = record;
        this.#replace(known, value && withDescription(known ?? newMember(memberId), value));
        break;
      }
      case "ConsumerGroupCurrentMemberAssignment": {
        const { memberId } = record.key;
        const known = this.#members.get(memberId);
        const { value } = record;
        if (value !== null) {
          this.#replace(known, withAssignment(known ?? newMember(memberId), value));
        } else if (known !== undefined) {
          const nothing = { assigned: NO_PARTITIONS, revoking: NO_PARTITIONS, since: NO_EPOCHS };
          this.#replace(known, { ...known, ...nothing });
        }
        break;
      }
      case "ConsumerGroupTargetAssignmentMetadata":
        this.#assignmentEpoch = record.value?.assignmentEpoch ?? -1;
        this.#assignmentTimestampMs = record.value?.assignmentTimestamp ?? 0;
        break;
      case "ConsumerGroupTargetAssignmentMember":
        if (record.value === null) this.#targets.delete(record.key.memberId);
        else this.#targets.set(record.key.memberId, assignmentOf(record.value.topicPartitions));
        break;
      case "ConsumerGroupRegularExpression":
        this.#applyRegex(record.key.regularExpression, record.value);
        break;
    }
  }

  #applyRegex(regex: string, value: { topics: readonly string[]; timestamp: number } | null) {
    if (value === null) this.#regexes.delete(regex);
    else this.#regexes.set(regex, { topics: value.topics, timestampMs: value.timestamp });
  }

  /** Replaces a member and updates every index of members. Null for `next` removes it. */
  #replace(former: ConsumerMember | undefined, next: ConsumerMember | null): void {
    if (former !== undefined) {
      this.#subscriptions.remove(former);
      if (former.classic !== null) this.#classicMembers--;
      this.#disown(former);
      const { instanceId, memberId } = former;
      if (instanceId !== null && this.#staticMembers.get(instanceId) === memberId) {
        this.#staticMembers.delete(instanceId);
      }
    }
    if (next === null) {
      if (former !== undefined) {
        this.#members.delete(former.memberId);
        this.#sessions.delete(former.memberId);
      }
      return;
    }
    this.#members.set(next.memberId, next);
    this.#subscriptions.add(next);
    if (next.classic !== null) this.#classicMembers++;
    this.#own(next);
    if (next.instanceId !== null) this.#staticMembers.set(next.instanceId, next.memberId);
  }

  #own({ memberId, assigned, revoking }: ConsumerMember): void {
    for (const owned of [assigned, revoking]) {
      for (const [topicId, partitions] of owned) {
        const owners = this.#owners.get(topicId) ?? new Map<number, string>();
        this.#owners.set(topicId, owners);
        for (const partition of partitions) owners.set(partition, memberId);
      }
    }
  }

  #disown({ memberId, assigned, revoking }: ConsumerMember): void {
    for (const owned of [assigned, revoking]) {
      for (const [topicId, partitions] of owned) {
        const owners = this.#owners.get(topicId);
        if (owners === undefined) continue;
        for (const partition of partitions) {
          if (owners.get(partition) === memberId) owners.delete(partition);
        }
        if (owners.size === 0) this.#owners.delete(topicId);
      }
    }
  }
}

function hasHeldSince(
  member: ConsumerMember,
  wanted: readonly TopicPartitions[],
  epoch: number,
): boolean {
  return wanted.every(({ topicId, partitions }) =>
    partitions.every((partition) => {
      const held =
        has(member.assigned, topicId, partition) || has(member.revoking, topicId, partition);
      return held && epoch >= heldSince(member, topicId, partition);
    }),
  );
}
