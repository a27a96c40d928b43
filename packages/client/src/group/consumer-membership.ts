// A consumer's membership in a group, by the consumer protocol (KIP-848): the coordinator assigns
// the partitions, and heartbeats carry everything. As Kafka's AbstractMembershipManager and
// ConsumerHeartbeatRequestManager.
//
// 1. At most one heartbeat is in flight. Its response is dropped if the member was fenced, or has
//    joined again, since the request.
// 2. A heartbeat tells what has changed since the last successful one; after an error it tells all.
// 3. The coordinator hears of an assignment as taken when the consumer has committed and given up
//    what it lacks, and has added what is new. Until then a later assignment only takes its place.
import { randomUUID } from "node:crypto";
import { ConsumerGroupHeartbeat, ErrorCode, type ResponseOf } from "@tarpan/protocol";
import type { CoordinatorLink } from "../connection/coordinator-link.ts";
import type { TopicPartition } from "../connection/offsets.ts";
import { backoffMs, Deadline } from "../connection/retry.ts";
import type { Operation } from "../connection/trouble.ts";
import { isRetriable, KafkaResponseError, UnsupportedVersionError } from "../errors.ts";
import { CLOSE_TIMEOUT_MS } from "../limits.ts";
import { type Committer, NO_MEMBER } from "./group-offsets.ts";
import {
  assignmentOf,
  type MemberAssignment,
  NO_PARTITIONS,
  named,
  sameAssignment,
  topicPartitionsOf,
} from "./member-assignment.ts";
import { Membership } from "./membership.ts";
import type { TopicNames } from "./topic-names.ts";

export interface ConsumerOptions {
  readonly groupInstanceId: string | null;
  readonly maxPollIntervalMs: number;
  /** Null: the group's. */
  readonly remoteAssignor: string | null;
}

type Answer = ResponseOf<typeof ConsumerGroupHeartbeat>;

/** Member epochs with a meaning of their own. */
const JOIN = 0;
const LEAVE = -1;
const LEAVE_STATIC = -2;

/** This member is no member now: it has to join. */
const REMOVED: readonly number[] = [
  ErrorCode.FENCED_MEMBER_EPOCH,
  ErrorCode.UNKNOWN_MEMBER_ID,
  ErrorCode.ILLEGAL_GENERATION,
  ErrorCode.GROUP_ID_NOT_FOUND,
];

export class ConsumerMembership extends Membership {
  readonly cooperative = true;
  readonly joining = null;
  readonly #link: CoordinatorLink;
  readonly #names: TopicNames;
  readonly #options: ConsumerOptions;
  readonly #beating: Operation;
  #topics: readonly string[] = [];
  /** The same for as long as this object lives (KIP-1082). */
  #memberId: string = randomUUID();
  /** Null while this is no member, and has not begun to join. */
  #epoch: number | null = null;
  /** Changes when a membership begins or ends. */
  #round = 0;
  #target: MemberAssignment = NO_PARTITIONS;
  /** What the consumer has taken. */
  #owned: MemberAssignment = NO_PARTITIONS;
  readonly #offers = new WeakMap<readonly TopicPartition[], MemberAssignment>();
  #resolving = false;
  /** What the coordinator knows. Null: to be told. */
  #told: { topics: readonly string[]; owned: MemberAssignment } | null = null;
  #timer: NodeJS.Timeout | undefined;
  #inFlight = false;
  #failures = 0;
  #stopped = false;
  #ended = false;

  constructor(
    link: CoordinatorLink,
    names: TopicNames,
    options: ConsumerOptions,
    changed: () => void,
  ) {
    super(options.maxPollIntervalMs, changed);
    this.#link = link;
    this.#names = names;
    this.#options = options;
    this.#beating = link.operation(`the heartbeats of group ${link.key}`);
  }

  get committer(): Committer | null {
    if (this.#epoch === null || this.#epoch === JOIN) return null;
    const { groupInstanceId } = this.#options;
    return { memberId: this.#memberId, generation: this.#epoch, groupInstanceId };
  }

  get reader(): Committer {
    return this.committer ?? NO_MEMBER;
  }

  override topicIdOf(topic: string): string | undefined {
    return [...this.#owned.keys()].find((id) => this.#names.nameOf(id) === topic);
  }

  subscribe(topics: readonly string[]): void {
    this.#topics = topics;
    this.#beatIn(0);
    this.changed();
  }

  join(): void {
    this.joinWanted = false;
    this.#round++;
    this.#epoch = JOIN;
    this.#told = null;
    this.#beatIn(0);
  }

  /** The next heartbeat tells it. */
  revoking(): void {}

  accepted(assigned: readonly TopicPartition[]): void {
    if (this.offered === assigned) this.offered = null;
    // Nothing is owned after a loss.
    if (this.lost) return;
    this.#owned = this.#offers.get(assigned) ?? this.#owned;
    this.#beatIn(0);
    void this.#offer();
  }

  refused(errorCode: number, about: string): KafkaResponseError {
    this.#link.note(errorCode);
    // The response with the new epoch is on its way, or was lost: the next one has it again.
    const stale = errorCode === ErrorCode.STALE_MEMBER_EPOCH && this.committer !== null;
    const error = new KafkaResponseError(errorCode, about, null, stale || undefined);
    if (stale) this.#beatIn(0);
    else if (REMOVED.includes(errorCode)) this.#lose();
    else if (errorCode === ErrorCode.FENCED_INSTANCE_ID) this.#fail(error);
    return error;
  }

  /** Heartbeats go on: a commit may need the newest epoch. */
  stop(): void {
    this.#stopped = true;
    this.offered = null;
  }

  async end(leave: boolean): Promise<void> {
    this.#ended = true;
    this.#beating.abandoned();
    clearTimeout(this.#timer);
    const isStatic = this.#options.groupInstanceId !== null;
    if (this.#epoch === null || (!leave && !isStatic)) return;
    await this.#leave(leave ? LEAVE : LEAVE_STATIC);
  }

  #beatIn(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#epoch === null || this.#ended) return;
    this.#timer = setTimeout(() => void this.#beat(), ms);
  }

  async #beat(): Promise<void> {
    // Whatever is new is told when the one in flight is over.
    if (this.#inFlight) return;
    if (this.pollOverdue && !this.#stopped) return this.#leaveUntilPolled();
    const round = this.#round;
    const told = { topics: this.#topics, owned: this.#owned };
    this.#inFlight = true;
    let waitMs = 0;
    try {
      const answer = await this.#link.request(ConsumerGroupHeartbeat, this.#request());
      if (round === this.#round) waitMs = this.#heed(answer, told);
    } catch (error) {
      if (round === this.#round) waitMs = this.#failed(error as Error);
    } finally {
      this.#inFlight = false;
    }
    const { topics, owned } = this.#told ?? told;
    const news = topics !== this.#topics || owned !== this.#owned;
    this.#beatIn(round !== this.#round || news ? 0 : waitMs);
  }

  #request() {
    const { groupInstanceId: instanceId, maxPollIntervalMs, remoteAssignor } = this.#options;
    const told = this.#told;
    const [topics, owned] = [this.#topics, this.#owned];
    return {
      groupId: this.#link.key,
      memberId: this.#memberId,
      memberEpoch: this.#epoch ?? JOIN,
      instanceId,
      rebalanceTimeoutMs: told === null ? maxPollIntervalMs : -1,
      serverAssignor: told === null ? remoteAssignor : null,
      subscribedTopicNames: told?.topics === topics ? null : [...topics],
      topicPartitions: told?.owned === owned ? null : topicPartitionsOf(owned),
    };
  }

  /** Returns when the next heartbeat is due, ms. */
  #heed(answer: Answer, told: { topics: readonly string[]; owned: MemberAssignment }): number {
    const { errorCode, errorMessage, memberId, memberEpoch, assignment } = answer;
    if (errorCode !== 0) return this.#heedError(errorCode, errorMessage);
    this.#beating.worked();
    this.#failures = 0;
    this.trouble = null;
    this.#told = told;
    this.#memberId = memberId ?? this.#memberId;
    this.#epoch = memberEpoch;
    if (assignment !== null) this.#target = assignmentOf(assignment.topicPartitions);
    void this.#offer();
    return answer.heartbeatIntervalMs;
  }

  #heedError(errorCode: number, detail: string | null): number {
    this.#link.note(errorCode);
    const about = `the heartbeat of group ${this.#link.key}`;
    const error = new KafkaResponseError(errorCode, about, detail);
    switch (errorCode) {
      case ErrorCode.FENCED_MEMBER_EPOCH:
      case ErrorCode.UNKNOWN_MEMBER_ID:
        if (this.#epoch === JOIN) return this.#joinFailed(error);
        this.#lose();
        return 0;
      case ErrorCode.GROUP_ID_NOT_FOUND:
        // The coordinator has lost the group. One that refuses to be joined would refuse again.
        if (this.#epoch === JOIN) return this.#failed(error);
        this.#lose();
        return 0;
      case ErrorCode.TOPIC_AUTHORIZATION_FAILED:
        // As in Kafka every poll rejects until it is allowed.
        this.trouble = { error, patience: new Deadline(0) };
        this.changed();
        return this.#retried(error);
      case ErrorCode.UNSUPPORTED_VERSION:
        return this.#failed(this.#unsupported(error));
      default:
        return this.#failed(error);
    }
  }

  #failed(error: Error): number {
    if (this.#ended) return 0;
    if (!isRetriable(error)) {
      this.#fail(error instanceof UnsupportedVersionError ? this.#unsupported(error) : error);
      return 0;
    }
    return this.#epoch === JOIN ? this.#joinFailed(error) : this.#retried(error);
  }

  #joinFailed(error: Error): number {
    this.retried(error, this.#link.patienceMs);
    return this.#retried(error);
  }

  /** The coordinator may not have got it, or another one may take over: it is told everything. */
  #retried(error: Error): number {
    this.#beating.failed(error, true);
    this.#told = null;
    return backoffMs(this.#failures++);
  }

  #unsupported({ message }: Error): Error {
    return new UnsupportedVersionError(
      `group ${this.#link.key} can't use the consumer protocol: ${message}; use groupProtocol ` +
        '"classic", or brokers of Kafka 4.0 or later, or of Tarpan, with group.version 1',
    );
  }

  /**
   * Offers the target assignment to the consumer, as far as the topics' names are known. A topic
   * that was deleted and made anew is given up first: its offsets mean other records.
   */
  async #offer(): Promise<void> {
    if (this.#resolving) return;
    this.#resolving = true;
    let target: MemberAssignment;
    do {
      target = this.#target;
      await this.#names.learn([...target.keys()], this.#topics);
    } while (target !== this.#target);
    this.#resolving = false;
    if (this.#epoch === null || this.#stopped) return;
    const nameOf = (id: string) => this.#names.nameOf(id);
    const before = new Map([...this.#owned.keys()].map((id) => [nameOf(id), id]));
    const ready = new Map(
      [...target].filter(([id]) => {
        const name = nameOf(id);
        return name !== undefined && (before.get(name) ?? id) === id;
      }),
    );
    this.#names.retain(new Set([...target.keys(), ...this.#owned.keys()]));
    if (this.offered === null && sameAssignment(ready, this.#owned)) return;
    this.offered = named(ready, nameOf);
    this.#offers.set(this.offered, ready);
    this.changed();
  }

  /**
   * No poll came in time: the member leaves, so that others get its partitions. It joins again at
   * the next poll.
   */
  async #leaveUntilPolled(): Promise<void> {
    this.#lose();
    this.#inFlight = true;
    await this.#leave(this.#options.groupInstanceId === null ? LEAVE : LEAVE_STATIC);
    this.#inFlight = false;
    this.#beatIn(0);
  }

  /** Never rejects: without it the session times out. */
  async #leave(memberEpoch: number): Promise<void> {
    const { groupInstanceId: instanceId } = this.#options;
    const body = { groupId: this.#link.key, memberId: this.#memberId, memberEpoch, instanceId };
    const options = { timeoutMs: CLOSE_TIMEOUT_MS };
    await this.#link.request(ConsumerGroupHeartbeat, body, options).catch(() => {});
  }

  #lose(): void {
    this.lost ||= this.#epoch !== null && this.#epoch !== JOIN;
    this.#reset();
    this.joinWanted = true;
    this.changed();
  }

  #fail(error: Error): void {
    this.failure ??= error;
    this.#reset();
    this.lost = true;
    this.changed();
  }

  #reset(): void {
    this.#round++;
    this.#epoch = null;
    this.#told = null;
    this.#target = NO_PARTITIONS;
    this.#owned = NO_PARTITIONS;
    this.offered = null;
    this.#beating.abandoned();
    clearTimeout(this.#timer);
  }
}
