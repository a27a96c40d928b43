import { ErrorCode, type Fetch, type RequestOf } from "@tarpan/protocol";
import type { Clock, Random } from "../env/env.ts";
import { FETCH_SESSION_PROTECTED_MS, MAX_FETCH_SESSION_PARTITIONS } from "./limits.ts";
import { QuietPartitions } from "./quiet-partitions.ts";

/**
 * Incremental fetch sessions (KIP-227): a consumer sends its partitions once and later only
 * changes, and receives only partitions that changed.
 *
 * Invariants:
 * 1. A session's epoch is the number of the request that it expects next. Each accepted request
 *    raises it, so that a repeated or lost request is noticed.
 * 2. A session names its topics either by id or by name.
 * 3. Sessions are optional: if there is no room for one, the consumer fetches without it.
 */
export class FetchSessions {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #maxSessions: number;
  /** In order of last use. */
  readonly #byId = new Map<number, FetchSession>();

  /** `maxSessions` is max.incremental.fetch.session.cache.slots. */
  constructor(clock: Clock, random: Random, maxSessions: number) {
    this.#maxSessions = maxSessions;
    this.#clock = clock;
    this.#random = random;
  }

  get count(): number {
    return this.#byId.size;
  }

  get partitionCount(): number {
    let count = 0;
    for (const session of this.#byId.values()) count += session.partitions.size;
    return count;
  }

  /** The partitions that this request wants, or the error code for the whole response. */
  resolve(request: FetchRequest, usesTopicIds: boolean): FetchPlan | ErrorCode {
    const { sessionId, sessionEpoch } = request;
    if (sessionEpoch === FINAL_EPOCH || sessionEpoch === INITIAL_EPOCH) {
      this.remove(this.#byId.get(sessionId));
      const wanted = new Map<string, WantedPartition>();
      addPartitions(wanted, request);
      const session = sessionEpoch === INITIAL_EPOCH ? this.#open(wanted, usesTopicIds) : null;
      return { session, wanted, incremental: false };
    }
    const session = this.#byId.get(sessionId);
    if (session === undefined) return ErrorCode.FETCH_SESSION_ID_NOT_FOUND;
    if (session.epoch !== sessionEpoch) return ErrorCode.INVALID_FETCH_SESSION_EPOCH;
    if (session.usesTopicIds !== usesTopicIds) return ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR;
    forgetPartitions(session, request);
    addPartitions(session.partitions, request, (added) => session.quiet.makeLoud(added));
    this.#touch(session);
    session.quiet.check(session.lastUsedMs);
    return { session, wanted: session.partitions, incremental: true };
  }

  #open(wanted: Map<string, WantedPartition>, usesTopicIds: boolean): FetchSession | null {
    if (wanted.size === 0 || !this.#makeRoom(wanted.size)) return null;
    const nowMs = this.#clock.monotonicMs();
    const session: FetchSession = {
      id: this.#newId(),
      epoch: 1,
      usesTopicIds,
      partitions: wanted,
      quiet: new QuietPartitions(wanted.values(), nowMs),
      lastUsedMs: nowMs,
    };
    this.#byId.set(session.id, session);
    return session;
  }

  #touch(session: FetchSession): void {
    session.epoch = session.epoch === LARGEST_EPOCH ? 1 : session.epoch + 1;
    session.lastUsedMs = this.#clock.monotonicMs();
    this.#byId.delete(session.id);
    this.#byId.set(session.id, session);
  }

  #makeRoom(partitions: number): boolean {
    let held = this.partitionCount;
    for (const session of this.#byId.values()) {
      const fits = held + partitions <= MAX_FETCH_SESSION_PARTITIONS;
      if (fits && this.#byId.size < this.#maxSessions) return true;
      if (this.#clock.monotonicMs() - session.lastUsedMs < FETCH_SESSION_PROTECTED_MS) return false;
      held -= session.partitions.size;
      this.remove(session);
    }
    return partitions <= MAX_FETCH_SESSION_PARTITIONS;
  }

  remove(session: FetchSession | undefined): void {
    if (session === undefined) return;
    this.#byId.delete(session.id);
    session.quiet.clear();
  }

  #newId(): number {
    for (;;) {
      const bytes = this.#random.bytes(4);
      const id = new DataView(bytes.buffer, bytes.byteOffset).getInt32(0) & 0x7fffffff;
      if (id !== 0 && !this.#byId.has(id)) return id;
    }
  }
}

export interface FetchSession {
  readonly id: number;
  epoch: number;
  readonly usesTopicIds: boolean;
  readonly partitions: Map<string, WantedPartition>;
  readonly quiet: QuietPartitions<WantedPartition>;
  lastUsedMs: number;
}

/** A partition in a consumer's fetch, with the offsets of the last response. */
export interface WantedPartition {
  /** Its key in the session's map. */
  readonly key: string;
  /** The name, or from version 13 on the id; the other one is empty or zero. */
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  fetchOffset: number;
  currentLeaderEpoch: number;
  lastFetchedEpoch: number;
  maxBytes: number;
  toldHighWatermark: number;
  toldLogStartOffset: number;
}

export interface FetchPlan {
  /** Null for a fetch without a session. */
  readonly session: FetchSession | null;
  readonly wanted: ReadonlyMap<string, WantedPartition>;
  /** Whether the response contains only partitions that changed. */
  readonly incremental: boolean;
}

type FetchRequest = RequestOf<typeof Fetch>;

/** Instead of an epoch: the consumer wants no session, or closes this one. */
const FINAL_EPOCH = -1;
/** Instead of an epoch: the consumer wants a new session. */
const INITIAL_EPOCH = 0;
const LARGEST_EPOCH = 0x7fffffff;
const NEVER_TOLD = -1;

/** Calls `changed` with each partition that is new or has another offset. */
function addPartitions(
  wanted: Map<string, WantedPartition>,
  request: FetchRequest,
  changed: (partition: WantedPartition) => void = () => {},
): void {
  for (const { topic, topicId, partitions } of request.topics) {
    for (const asked of partitions) {
      const key = keyOf(topic, topicId, asked.partition);
      const update = {
        fetchOffset: asked.fetchOffset,
        currentLeaderEpoch: asked.currentLeaderEpoch,
        lastFetchedEpoch: asked.lastFetchedEpoch,
        maxBytes: asked.partitionMaxBytes,
      };
      let known = wanted.get(key);
      if (known !== undefined) Object.assign(known, update);
      else {
        known = {
          key,
          topic,
          topicId,
          partition: asked.partition,
          ...update,
          toldHighWatermark: NEVER_TOLD,
          toldLogStartOffset: NEVER_TOLD,
        };
        wanted.set(key, known);
      }
      changed(known);
    }
  }
}

function forgetPartitions({ partitions: wanted, quiet }: FetchSession, request: FetchRequest) {
  for (const { topic, topicId, partitions } of request.forgottenTopicsData) {
    for (const partition of partitions) {
      const key = keyOf(topic, topicId, partition);
      const known = wanted.get(key);
      if (known !== undefined) quiet.forget(known);
      wanted.delete(key);
    }
  }
}

function keyOf(topic: string, topicId: string, partition: number): string {
  return `${partition}:${topic === "" ? topicId : topic}`;
}
