import { decodeConsumerSubscription } from "@tarpan/protocol";
import type { Reply } from "../../../coordinator/turn.ts";
import { CONSUMER_PROTOCOL_TYPE } from "../../limits.ts";
import { memberTimer } from "../timers.ts";
import { type ClassicMember, type JoinAnswer, metadataOf, type Protocol } from "./member.ts";
import type { RecordedGroup } from "./recorded-group.ts";

/** Kafka's names. Kafka's `Dead` is missing: here a deleted group is not in the state at all. */
export type ClassicState = "Empty" | "PreparingRebalance" | "CompletingRebalance" | "Stable";

/**
 * The live state of a classic group: soft state, which starts from the recorded state.
 *
 * Invariants:
 * 1. In Empty and Stable it equals the recorded state, or the state that the running operation
 *    records. During a rebalance it is ahead of the recorded state, which a crash returns to.
 * 2. While there are members, one of them is the leader; otherwise there is none.
 * 3. A member's requests wait in its Member, so the operation that removes a member answers them.
 */
export class LiveGroup {
  state: ClassicState;
  /** Wall ms of the last change of state. */
  stateSinceMs: number;
  /** The rebalance began in Empty: it waits for the initial delay, even when all have joined. */
  initialRebalance = false;
  /** During an initial rebalance: a member joined since the delay was last extended. */
  newMemberAdded = false;
  generation: number;
  protocolType: string;
  protocol: string | null;
  leader: string | null;
  readonly members = new Map<string, ClassicMember>();
  /** Ids sent with MEMBER_ID_REQUIRED, with which a member has not joined yet. */
  readonly pendingJoins = new Set<string>();
  /** Members of this generation that have not sent SyncGroup. */
  readonly pendingSyncs = new Set<string>();
  readonly #instances = new Map<string, string>();
  readonly #supporters = new Map<string, number>();
  #joining = 0;
  /** Undefined until it is needed; null when the subscriptions can't be read. */
  #topics: ReadonlySet<string> | null | undefined;

  constructor(groupId: string, recorded: RecordedGroup) {
    this.state = recorded.members.size === 0 ? "Empty" : "Stable";
    this.stateSinceMs = recorded.timestampMs;
    this.generation = recorded.generation;
    this.protocolType = recorded.protocolType;
    this.protocol = recorded.protocol;
    this.leader = null;
    for (const member of recorded.members.values()) {
      const { sessionTimeout, rebalanceTimeout } = member;
      this.add({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeoutMs: rebalanceTimeout === -1 ? sessionTimeout : rebalanceTimeout,
        sessionTimeoutMs: sessionTimeout,
        protocols: [{ name: recorded.protocol ?? "", metadata: member.subscription }],
        session: memberTimer("classic-session", groupId, member.memberId),
        isNew: false,
        join: null,
        sync: null,
      });
    }
    if (recorded.members.has(recorded.leader ?? "")) this.leader = recorded.leader;
  }

  moveTo(state: ClassicState, wallMs: number): void {
    this.initialRebalance = state === "PreparingRebalance" && this.state === "Empty";
    this.state = state;
    this.stateSinceMs = wallMs;
  }

  get joiningCount(): number {
    return this.#joining;
  }

  get allJoined(): boolean {
    return this.#joining === this.members.size && this.pendingJoins.size === 0;
  }

  /** The longest rebalance time-out of the members, ms. */
  get rebalanceTimeoutMs(): number {
    let longestMs = 0;
    for (const member of this.members.values()) {
      longestMs = Math.max(longestMs, member.rebalanceTimeoutMs);
    }
    return longestMs;
  }

  memberIdOf(groupInstanceId: string): string | undefined {
    return this.#instances.get(groupInstanceId);
  }

  add(member: ClassicMember): void {
    this.leader ??= member.memberId;
    this.members.set(member.memberId, member);
    this.pendingJoins.delete(member.memberId);
    if (member.groupInstanceId !== null) {
      this.#instances.set(member.groupInstanceId, member.memberId);
    }
    this.#countOffers(member, 1);
    if (member.join !== null) this.#joining++;
  }

  /** The caller has to answer the waiting requests of the removed member. */
  remove(memberId: string): ClassicMember | undefined {
    this.pendingJoins.delete(memberId);
    this.pendingSyncs.delete(memberId);
    const member = this.members.get(memberId);
    if (member === undefined) return undefined;
    this.members.delete(memberId);
    if (member.groupInstanceId !== null) this.#instances.delete(member.groupInstanceId);
    this.#countOffers(member, -1);
    if (member.join !== null) this.#joining--;
    if (this.leader === memberId) this.leader = this.members.keys().next().value ?? null;
    return member;
  }

  /** Gives a static member another id; it stays the leader, and its SyncGroup stays pending. */
  replace(oldMemberId: string, member: ClassicMember): void {
    const isLeader = this.leader === oldMemberId;
    const isSyncPending = this.pendingSyncs.has(oldMemberId);
    this.remove(oldMemberId);
    this.add(member);
    if (isLeader) this.leader = member.memberId;
    if (isSyncPending) this.pendingSyncs.add(member.memberId);
    this.#topics = undefined;
  }

  offer(member: ClassicMember, protocols: readonly Protocol[]): void {
    this.#countOffers(member, -1);
    member.protocols = protocols;
    this.#countOffers(member, 1);
  }

  /** Sets the waiting join; null for none. Returns the join that waited before. */
  setJoin(member: ClassicMember, join: Reply<JoinAnswer> | null): Reply<JoinAnswer> | null {
    const before = member.join;
    member.join = join;
    this.#joining += Number(join !== null) - Number(before !== null);
    return before;
  }

  #countOffers({ protocols }: ClassicMember, by: 1 | -1): void {
    for (const { name } of protocols) {
      const count = (this.#supporters.get(name) ?? 0) + by;
      if (count === 0) this.#supporters.delete(name);
      else this.#supporters.set(name, count);
    }
  }

  /** Whether a member with these protocols may join: one of them is common to all members. */
  supports(protocolType: string, offered: readonly Protocol[]): boolean {
    if (this.state === "Empty") return protocolType !== "" && offered.length > 0;
    if (protocolType !== this.protocolType) return false;
    return offered.some(({ name }) => this.#isCommon(name));
  }

  #isCommon(name: string): boolean {
    return (this.#supporters.get(name) ?? 0) === this.members.size;
  }

  /** Each member votes for its first protocol that all members have; the most votes win. */
  selectProtocol(): string | null {
    const votes = new Map<string, number>();
    for (const { protocols } of this.members.values()) {
      const vote = protocols.find(({ name }) => this.#isCommon(name));
      if (vote !== undefined) votes.set(vote.name, (votes.get(vote.name) ?? 0) + 1);
    }
    let winner: string | null = null;
    for (const [name, count] of votes) {
      if (winner === null || count > votes.get(winner)!) winner = name;
    }
    return winner;
  }

  /** Replaces a leader that did not join by the first member that did; false when none did. */
  electJoinedLeader(): boolean {
    if (this.leader === null) return false;
    if (this.members.get(this.leader)!.join !== null) return true;
    for (const { memberId, join } of this.members.values()) {
      if (join === null) continue;
      this.leader = memberId;
      return true;
    }
    return false;
  }

  beginGeneration(wallMs: number): void {
    this.generation++;
    this.protocol = this.selectProtocol();
    this.pendingSyncs.clear();
    this.#topics = undefined;
    this.moveTo(this.members.size === 0 ? "Empty" : "CompletingRebalance", wallMs);
  }

  /** When the subscriptions of consumers can't be read, every topic counts as subscribed. */
  isSubscribedTo(topic: string): boolean {
    if (this.protocolType !== CONSUMER_PROTOCOL_TYPE) return false;
    if (this.#topics === undefined) this.#topics = this.#subscribedTopics();
    return this.#topics === null || this.#topics.has(topic);
  }

  #subscribedTopics(): ReadonlySet<string> | null {
    const topics = new Set<string>();
    for (const member of this.members.values()) {
      const metadata = metadataOf(member, this.protocol ?? "");
      if (metadata === undefined) return null;
      try {
        for (const topic of topicsOf(metadata)) topics.add(topic);
      } catch {
        return null;
      }
    }
    return topics;
  }
}

/**
 * Reads only the fields of version 0, which every version begins with, as Kafka does: some clients
 * write the number of a newer version, but only the fields of version 0.
 */
function topicsOf(subscription: Uint8Array): readonly string[] {
  const asVersion0 = new Uint8Array(subscription);
  asVersion0.fill(0, 0, 2);
  return decodeConsumerSubscription(asVersion0).topics;
}
