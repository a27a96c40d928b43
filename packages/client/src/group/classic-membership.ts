// A consumer's membership in a group, by the classic protocol: joins, heartbeats, leaves.
//
// 1. One join at a time, and no heartbeats during a join: the coordinator keeps a joining member's
//    session alive.
// 2. A heartbeat response is dropped if the generation has changed since the request.
import {
  decodeConsumerAssignment,
  ErrorCode,
  encodeConsumerSubscription,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  type ResponseOf,
  SyncGroup,
} from "@tarpan/protocol";
import type { CoordinatorLink } from "../connection/coordinator-link.ts";
import type { TopicPartition } from "../connection/offsets.ts";
import { backoffMs, Deadline, sleep } from "../connection/retry.ts";
import { isRetriable, KafkaResponseError } from "../errors.ts";
import { CLOSE_TIMEOUT_MS, JOIN_GRACE_MS } from "../limits.ts";
import type { Assignor } from "./assignors/assignor.ts";
import { type Committer, NO_MEMBER } from "./group-offsets.ts";
import { type GroupLeader, topicLists } from "./leader.ts";
import { Membership } from "./membership.ts";

export interface ClassicOptions {
  readonly groupInstanceId: string | null;
  readonly assignors: readonly Assignor[];
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly maxPollIntervalMs: number;
  readonly metadataMaxAgeMs: number;
}

type Joined = ResponseOf<typeof JoinGroup>;

const PROTOCOL_TYPE = "consumer";
const NO_GENERATION = -1;

/** Errors of a commit that are about the member, not about the offsets. */
const ABOUT_MEMBER: readonly number[] = [
  ErrorCode.ILLEGAL_GENERATION,
  ErrorCode.UNKNOWN_MEMBER_ID,
  ErrorCode.REBALANCE_IN_PROGRESS,
  ErrorCode.FENCED_INSTANCE_ID,
];

export class ClassicMembership extends Membership {
  readonly cooperative: boolean;
  readonly reader = NO_MEMBER;
  readonly #link: CoordinatorLink;
  readonly #leader: GroupLeader;
  readonly #options: ClassicOptions;
  #topics: readonly string[] = [];
  #memberId = "";
  #generation = NO_GENERATION;
  #heartbeat: NodeJS.Timeout | undefined;
  #topicsChecked = new Deadline(0);
  #joining: Promise<void> | null = null;
  #closed = false;

  constructor(
    link: CoordinatorLink,
    leader: GroupLeader,
    options: ClassicOptions,
    changed: () => void,
  ) {
    super(options.maxPollIntervalMs, changed);
    this.cooperative = options.assignors.every((assignor) => assignor.cooperative);
    this.#link = link;
    this.#leader = leader;
    this.#options = options;
  }

  get joining(): Promise<void> | null {
    return this.#joining;
  }

  get committer(): Committer | null {
    if (this.#generation === NO_GENERATION) return null;
    const { groupInstanceId } = this.#options;
    return { memberId: this.#memberId, generation: this.#generation, groupInstanceId };
  }

  subscribe(topics: readonly string[]): void {
    this.#topics = topics;
    this.joinWanted = true;
    this.changed();
  }

  join(owned: readonly TopicPartition[]): void {
    clearTimeout(this.#heartbeat);
    this.joinWanted = false;
    this.#joining = this.#join(owned)
      .catch((error: Error) => this.#fail(error))
      .finally(() => {
        this.#joining = null;
        if (this.#generation !== NO_GENERATION) this.#scheduleHeartbeat();
        this.changed();
      });
  }

  /** After it has given up partitions it joins again, to tell the group. */
  revoking(): void {
    this.joinWanted = true;
  }

  accepted(): void {
    this.offered = null;
  }

  refused(errorCode: number, about: string): KafkaResponseError {
    this.#link.note(errorCode);
    if (ABOUT_MEMBER.includes(errorCode)) this.#heed(errorCode, about);
    return new KafkaResponseError(errorCode, about);
  }

  /** Draws the consequences from the error code of a response to this member. */
  #heed(errorCode: number, about: string): void {
    switch (errorCode) {
      case ErrorCode.NONE:
        return;
      case ErrorCode.REBALANCE_IN_PROGRESS:
        this.joinWanted = true;
        this.changed();
        return;
      case ErrorCode.ILLEGAL_GENERATION:
        this.#lose();
        return;
      case ErrorCode.UNKNOWN_MEMBER_ID:
        this.#memberId = "";
        this.#lose();
        return;
      default: {
        this.#link.note(errorCode);
        const error = new KafkaResponseError(errorCode, about);
        if (!error.retriable) this.#fail(error);
      }
    }
  }

  stop(): void {
    this.#closed = true;
    clearTimeout(this.#heartbeat);
    // A JoinGroup in flight would delay the requests behind it on the connection.
    if (this.#joining !== null) this.#link.reset();
  }

  /** Without LeaveGroup the session times out. */
  async end(leave: boolean): Promise<void> {
    if (leave && this.#memberId !== "")
      await this.#leave("the consumer is closing").catch(() => {});
  }

  async #join(owned: readonly TopicPartition[]): Promise<void> {
    for (let failures = 0; !this.#closed; ) {
      try {
        const joined = await this.#joinGroup(this.#generation === NO_GENERATION ? [] : owned);
        const assigned = joined && (await this.#syncGroup(joined));
        if (assigned === null) continue;
        this.offered = assigned;
        this.trouble = null;
        return;
      } catch (error) {
        if (this.#closed) return;
        if (!isRetriable(error)) throw error;
        this.retried(error as Error, this.#link.patienceMs);
        await sleep(backoffMs(failures++));
      }
    }
  }

  /** Null if the join has to start again. */
  async #joinGroup(owned: readonly TopicPartition[]): Promise<Joined | null> {
    const { groupInstanceId, sessionTimeoutMs, maxPollIntervalMs } = this.#options;
    const body = {
      groupId: this.#link.key,
      sessionTimeoutMs,
      rebalanceTimeoutMs: maxPollIntervalMs,
      memberId: this.#memberId,
      groupInstanceId,
      protocolType: PROTOCOL_TYPE,
      protocols: this.#protocols(owned),
    };
    const timeoutMs = maxPollIntervalMs + JOIN_GRACE_MS;
    const joined = await this.#link.request(JoinGroup, body, { timeoutMs });
    switch (joined.errorCode) {
      case ErrorCode.MEMBER_ID_REQUIRED:
        this.#memberId = joined.memberId;
        return null;
      case ErrorCode.UNKNOWN_MEMBER_ID:
      case ErrorCode.ILLEGAL_GENERATION:
      case ErrorCode.REBALANCE_IN_PROGRESS:
        return this.#restartJoin(joined.errorCode);
    }
    this.#link.assertOk(joined.errorCode, `joining group ${this.#link.key}`);
    this.#memberId = joined.memberId;
    this.#generation = joined.generationId;
    return joined;
  }

  /** The subscription for each assignor, in order of preference. */
  #protocols(owned: readonly TopicPartition[]) {
    const { assignors } = this.#options;
    const generation = this.#generation;
    const cooperative = assignors.every((assignor) => assignor.cooperative);
    return assignors.map((assignor) => ({
      name: assignor.name,
      metadata: encodeConsumerSubscription({
        topics: this.#topics,
        userData: assignor.userData?.(owned, generation) ?? null,
        ownedPartitions: cooperative ? topicLists(owned) : [],
        generationId: generation,
      }),
    }));
  }

  async #syncGroup(joined: Joined): Promise<TopicPartition[] | null> {
    const { groupInstanceId, maxPollIntervalMs } = this.#options;
    const { generationId, memberId, protocolName } = joined;
    const body = {
      groupId: this.#link.key,
      generationId,
      memberId,
      groupInstanceId,
      protocolType: PROTOCOL_TYPE,
      protocolName,
      assignments: await this.#lead(joined),
    };
    const timeoutMs = maxPollIntervalMs + JOIN_GRACE_MS;
    const { errorCode, assignment } = await this.#link.request(SyncGroup, body, { timeoutMs });
    switch (errorCode) {
      case ErrorCode.UNKNOWN_MEMBER_ID:
      case ErrorCode.ILLEGAL_GENERATION:
      case ErrorCode.REBALANCE_IN_PROGRESS:
        return this.#restartJoin(errorCode);
    }
    this.#link.assertOk(errorCode, `the assignment of group ${this.#link.key}`);
    if (assignment.length === 0) return [];
    return decodeConsumerAssignment(assignment).assignedPartitions.flatMap(
      ({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })),
    );
  }

  async #lead({ leader, memberId, members, protocolName, skipAssignment }: Joined) {
    if (leader !== memberId) this.#leader.follow();
    else {
      this.#topicsChecked = new Deadline(this.#options.metadataMaxAgeMs);
      const assignor = this.#options.assignors.find(({ name }) => name === protocolName);
      if (assignor !== undefined && !skipAssignment) return this.#leader.assign(assignor, members);
      await this.#leader.lead(members);
    }
    return [];
  }

  #restartJoin(errorCode: number): null {
    if (errorCode !== ErrorCode.REBALANCE_IN_PROGRESS) {
      if (errorCode === ErrorCode.UNKNOWN_MEMBER_ID) this.#memberId = "";
      this.#lose();
      this.joinWanted = false;
    }
    return null;
  }

  #scheduleHeartbeat(): void {
    clearTimeout(this.#heartbeat);
    if (this.#closed) return;
    const beat = () => void this.#sendHeartbeat();
    this.#heartbeat = setTimeout(beat, this.#options.heartbeatIntervalMs);
  }

  async #sendHeartbeat(): Promise<void> {
    const groupId = this.#link.key;
    const { groupInstanceId, sessionTimeoutMs } = this.#options;
    const generationId = this.#generation;
    const memberId = this.#memberId;
    if (this.pollOverdue) return this.#leaveUntilPolled();
    this.#checkTopics();
    try {
      const body = { groupId, generationId, memberId, groupInstanceId };
      const options = { timeoutMs: sessionTimeoutMs };
      const { errorCode } = await this.#link.request(Heartbeat, body, options);
      if (generationId !== this.#generation || this.#joining !== null) return;
      this.#heed(errorCode, `the heartbeat of group ${groupId}`);
    } catch (error) {
      // The coordinator may be moving: the next heartbeat looks for it again.
      if (!isRetriable(error) && !this.#closed) this.#fail(error as Error);
    }
    if (generationId === this.#generation && this.#joining === null) this.#scheduleHeartbeat();
  }

  /**
   * No poll came in time: the member leaves, so that others get its partitions. It joins again at
   * the next poll.
   */
  async #leaveUntilPolled(): Promise<void> {
    if (this.#options.groupInstanceId === null) {
      const { maxPollIntervalMs } = this.#options;
      const leaving = this.#leave(`no poll for ${maxPollIntervalMs} ms (maxPollIntervalMs)`);
      this.#memberId = "";
      this.#lose();
      await leaving.catch(() => {});
    } else this.#lose();
  }

  #checkTopics(): void {
    if (this.#topicsChecked.remainingMs > 0 && !this.#leader.missesTopics) return;
    this.#topicsChecked = new Deadline(this.#options.metadataMaxAgeMs);
    this.#leader.topicsChanged().then(
      (changed) => {
        if (!changed) return;
        this.joinWanted = true;
        this.changed();
      },
      () => {},
    );
  }

  async #leave(reason: string): Promise<void> {
    const groupId = this.#link.key;
    const memberId = this.#memberId;
    const { groupInstanceId } = this.#options;
    const members = [{ memberId, groupInstanceId, reason }];
    const options = { timeoutMs: CLOSE_TIMEOUT_MS };
    await this.#link.request(LeaveGroup, { groupId, memberId, members }, options);
  }

  #lose(): void {
    this.lost ||= this.#generation !== NO_GENERATION;
    this.#generation = NO_GENERATION;
    this.offered = null;
    this.joinWanted = true;
    clearTimeout(this.#heartbeat);
    this.changed();
  }

  #fail(error: Error): void {
    this.failure ??= error;
    this.#generation = NO_GENERATION;
    this.lost = true;
    clearTimeout(this.#heartbeat);
    this.changed();
  }
}
