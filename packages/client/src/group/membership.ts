// A consumer's membership in a group, by the classic protocol: joins, heartbeats, leaves.
//
// 1. It runs in the background. Its results (an assignment, a loss) wait in `offered` and `lost`
//    until the consumer takes them inside a poll.
// 2. One join at a time, and no heartbeats during a join: the coordinator keeps a joining member's
//    session alive.
// 3. A heartbeat response is dropped if the generation has changed since the request.
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
import type { Committer } from "./group-offsets.ts";
import { type GroupLeader, topicLists } from "./leader.ts";

export interface MembershipOptions {
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

export class Membership {
  readonly #link: CoordinatorLink;
  readonly #leader: GroupLeader;
  readonly #options: MembershipOptions;
  readonly #changed: () => void;
  #topics: readonly string[] = [];
  #memberId = "";
  #generation = NO_GENERATION;
  #heartbeat: NodeJS.Timeout | undefined;
  #topicsChecked = new Deadline(0);
  #pollDue: Deadline | null = null;
  #joining: Promise<void> | null = null;
  #closed = false;
  /** An assignment that the consumer has not taken yet. */
  offered: readonly TopicPartition[] | null = null;
  /** Whether the group has removed this member: others may read its partitions already. */
  lost = false;
  /** Whether this member has to join, for the first time or again. */
  joinWanted = true;
  /** An error that a retry can't solve: fenced, refused, or a bug. */
  failure: Error | null = null;
  /** The last error of a join that is being retried, and until when poll hides it. */
  trouble: { readonly error: Error; readonly patience: Deadline } | null = null;

  /** `changed` is called after every change of a public field. */
  constructor(
    link: CoordinatorLink,
    leader: GroupLeader,
    options: MembershipOptions,
    changed: () => void,
  ) {
    this.#link = link;
    this.#leader = leader;
    this.#options = options;
    this.#changed = changed;
  }

  /** Whether a poll has something to do for the group before it hands out records. */
  get wantsAttention(): boolean {
    return this.failure !== null || this.lost || this.offered !== null || this.joinDue;
  }

  get joinDue(): boolean {
    return this.joinWanted && this.#joining === null;
  }

  /** Resolves, and never rejects, when the current join is over; null while there is none. */
  get joining(): Promise<void> | null {
    return this.#joining;
  }

  /** Null while this member is in no generation: it must not commit then. */
  get committer(): Committer | null {
    if (this.#generation === NO_GENERATION) return null;
    const { groupInstanceId } = this.#options;
    return { memberId: this.#memberId, generation: this.#generation, groupInstanceId };
  }

  subscribe(topics: readonly string[]): void {
    this.#topics = topics;
    this.joinWanted = true;
    this.#changed();
  }

  /**
   * Called at the end of every poll: starts the time until the next is due (max.poll.interval.ms).
   */
  polled(): void {
    this.#pollDue = new Deadline(this.#options.maxPollIntervalMs);
  }

  /** Called at the start of every poll: none is due while it runs. */
  polling(): void {
    this.#pollDue = null;
  }

  /** Joins in the background; `owned` are the partitions that the consumer has now. */
  join(owned: readonly TopicPartition[]): void {
    clearTimeout(this.#heartbeat);
    this.joinWanted = false;
    this.#joining = this.#join(owned)
      .catch((error: Error) => this.#fail(error))
      .finally(() => {
        this.#joining = null;
        if (this.#generation !== NO_GENERATION) this.#scheduleHeartbeat();
        this.#changed();
      });
  }

  /** Handles the error code of a response to this member. */
  refused(errorCode: number, about: string): void {
    switch (errorCode) {
      case ErrorCode.NONE:
        return;
      case ErrorCode.REBALANCE_IN_PROGRESS:
        this.joinWanted = true;
        this.#changed();
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

  /** Stops joins and heartbeats. A last commit is still possible. */
  stop(): void {
    this.#closed = true;
    clearTimeout(this.#heartbeat);
    // A JoinGroup in flight would delay the requests behind it on the connection.
    if (this.#joining !== null) this.#link.reset();
  }

  /** Sends LeaveGroup. Never rejects: without it the session times out. */
  async leave(): Promise<void> {
    if (this.#memberId !== "") await this.#leave("the consumer is closing").catch(() => {});
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
        const patience = this.trouble?.patience ?? new Deadline(this.#link.patienceMs);
        this.trouble = { error: error as Error, patience };
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
    if (this.#pollDue?.remainingMs === 0) return this.#leaveUntilPolled();
    this.#checkTopics();
    try {
      const body = { groupId, generationId, memberId, groupInstanceId };
      const options = { timeoutMs: sessionTimeoutMs };
      const { errorCode } = await this.#link.request(Heartbeat, body, options);
      if (generationId !== this.#generation || this.#joining !== null) return;
      this.refused(errorCode, `the heartbeat of group ${groupId}`);
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
        this.#changed();
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
    this.#changed();
  }

  #fail(error: Error): void {
    this.failure ??= error;
    this.#generation = NO_GENERATION;
    this.lost = true;
    clearTimeout(this.#heartbeat);
    this.#changed();
  }
}
