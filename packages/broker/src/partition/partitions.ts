import { ErrorCode } from "@tarpan/protocol";
import type { Env } from "../env/env.ts";
import type { CleaningWork } from "../log/compaction/cleaning-work.ts";
import type { LogId, LogOptions } from "../log/log.ts";
import { LogError } from "../log/log-error.ts";
import type { Logger } from "../logging/logger.ts";
import type { Leadership } from "../metadata/leadership.ts";
import type { NewLog, PartitionHost } from "../metadata/partition-host.ts";
import { ClockJumps } from "../util/clock-jumps.ts";
import type { PendingLatch } from "../util/latch.ts";
import { type NextTurn, nextTurnOf } from "../util/next-turn.ts";
import { forEachLog } from "./for-each-log.ts";
import { LeadershipChanges } from "./leadership-changes.ts";
import { type CleanerConfig, LogCleaner } from "./log-cleaner.ts";
import type { LogHost } from "./log-host.ts";
import { dedupeOf, logOptions } from "./log-options.ts";
import { MessageIds } from "./message-ids.ts";
import { OpenTransactionWatch } from "./open-transaction-watch.ts";
import { Partition } from "./partition.ts";
import { RepeatedWork } from "./repeated-work.ts";
import { Retention, type RetentionTimes } from "./retention.ts";
import {
  endTakeOver,
  type HostedPartition,
  newSlot,
  type PartitionSettings,
  type PartitionStatus,
  type Slot,
} from "./slot.ts";

export interface PartitionsOptions {
  readonly nodeId: number;
  /** The current value of producer.id.expiration.ms. */
  readonly producerExpirationMs: () => number;
  /** The current value of transaction.max.timeout.ms. */
  readonly transactionMaxTimeoutMs: () => number;
  readonly retentionTimes: () => RetentionTimes;
  readonly cleaner: () => CleanerConfig;
  readonly cleaningWork: CleaningWork;
  /** For logs of topics that are not in the metadata yet. */
  readonly newLogSettings: () => PartitionSettings;
  /** This broker's leadership; see Metadata. */
  readonly leadership: () => Pick<Leadership, "isExpired" | "refusal">;
}

/**
 * The partitions that this broker leads.
 *
 * Invariants:
 * 1. A log is only created together with its topic. If an existing topic's log is missing or cannot
 *    be read, the partition is offline; the log is never replaced by an empty one.
 * 2. A partition is found as long as the metadata says that this broker leads it. While its log is
 *    opened for the first time, requests may wait for that (`takeOver`).
 * 3. A replicated log is opened again for each leader epoch, which fences the previous leader.
 */
export class Partitions implements PartitionHost {
  readonly retention: Retention;
  readonly cleaner: LogCleaner;
  readonly openTransactions: OpenTransactionWatch;
  readonly #host: LogHost;
  readonly #env: Env;
  readonly #logger: Logger;
  readonly #options: PartitionsOptions;
  readonly #topics = new Map<string, Slot[]>();
  /** Created for a topic that is not in the metadata yet. */
  readonly #prepared = new Map<string, Partition>();
  /** Openings and closings in progress, by log. */
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #news: LeadershipChanges;
  readonly #nextTurn: NextTurn;
  readonly #jumps: ClockJumps;
  readonly #maintenance: RepeatedWork;
  #closed = false;

  constructor(host: LogHost, env: Env, logger: Logger, options: PartitionsOptions) {
    this.#host = host;
    this.#env = env;
    this.#logger = logger;
    this.#options = options;
    this.#jumps = new ClockJumps(env.clock);
    this.#nextTurn = nextTurnOf(env.timers);
    this.#news = new LeadershipChanges(env.timers, logger);
    const times = options.retentionTimes;
    this.retention = new Retention({ env, logger, partitions: this, times });
    const { cleaner: config, cleaningWork: work } = options;
    this.cleaner = new LogCleaner({ env, logger, partitions: this, config, work });
    const { transactionMaxTimeoutMs: maxTimeoutMs } = options;
    this.openTransactions = new OpenTransactionWatch({ clock: env.clock, logger, maxTimeoutMs });
    const delayMs = () => host.maintenanceIntervalMs;
    const run = () => this.#maintain();
    this.#maintenance = new RepeatedWork({ env, logger, name: "maintenance", run, delayMs });
  }

  /** Starts retention, compaction and maintenance: offline partitions are opened again. */
  start(): void {
    this.retention.start();
    this.cleaner.start();
    this.#maintenance.start();
  }

  /** See LogHost.isReplicated. */
  get replicated(): boolean {
    return this.#host.isReplicated;
  }

  /** The partition, or the error code for the client. */
  find(topic: string, index: number): Partition | ErrorCode {
    const slot = this.#topics.get(topic)?.[index];
    const leadership = this.#options.leadership();
    if (slot === undefined || leadership.isExpired) return leadership.refusal(topic, index);
    const { partition } = slot;
    const failure = partition === null ? slot.failure : partition.log.failure;
    if (failure !== null) {
      const gone = failure.kind === "fenced" || failure.kind === "closed";
      return gone ? ErrorCode.NOT_LEADER_OR_FOLLOWER : ErrorCode.KAFKA_STORAGE_ERROR;
    }
    return partition ?? ErrorCode.NOT_LEADER_OR_FOLLOWER;
  }

  /** False while this broker is isolated: `find` then refuses everything. */
  get isServing(): boolean {
    return !this.#options.leadership().isExpired;
  }

  /** The first opening of a partition that this broker leads; null when it is not in progress. */
  takeOver(topic: string, index: number): PendingLatch | null {
    return this.#topics.get(topic)?.[index]?.takeOver ?? null;
  }

  /** Null when this broker does not lead the partition any more, or has opened it again. */
  settingsOf(partition: Partition): PartitionSettings | null {
    const { topic, partition: index } = partition.id;
    const slot = this.#topics.get(topic)?.[index];
    return slot?.partition === partition ? slot.hosted.settings : null;
  }

  /** Every hosted partition, offline ones with the reason. */
  *all(): Generator<PartitionStatus> {
    for (const { hosted, partition, failure } of this.#slots()) {
      yield { hosted, partition, failure: partition?.log.failure ?? failure };
    }
  }

  get nodeId(): number {
    return this.#options.nodeId;
  }

  async createLogs(logs: readonly NewLog[]): Promise<void> {
    // A deleted topic of the same name may still have logs that are being removed.
    await this.#host.deleted();
    const settings = this.#options.newLogSettings();
    const own = logs.filter(({ replicas }) => replicas.includes(this.#options.nodeId));
    const outcomes = await forEachLog(own, async ({ id }) => {
      const holder: { partition?: Partition } = {};
      const log = await this.#host.engine.create(id, logOptions(id, settings, holder));
      holder.partition = await Partition.open(id, log, 0, this.#nextTurn);
      this.#prepared.set(keyOf(id), holder.partition);
    });
    const failed = outcomes.find((outcome) => outcome !== undefined);
    if (failed !== undefined) throw failed;
  }

  async discardLogs(ids: readonly LogId[]): Promise<void> {
    for (const id of ids) this.#prepared.delete(keyOf(id));
    await forEachLog(ids, (id) => this.#host.engine.delete(id));
  }

  /**
   * Removes empty logs that belong to no topic: a crash came before the topic's creation was
   * recorded, or before its logs were deleted. A log with records is only set aside, because it may
   * be the topic's metadata that was lost.
   */
  async removeStrays(isOwned: (id: LogId) => boolean): Promise<void> {
    const strays = (await this.#host.engine.list()).filter((id) => !isOwned(id));
    await forEachLog(strays, async (id) => {
      const options = logOptions(id, this.#options.newLogSettings(), {});
      const log = await this.#host.engine.open(id, options);
      if (log.nextOffset === 0) return this.#host.engine.delete(id);
      this.#logger.warn(`${nameOf(id)} has records but belongs to no topic: it is set aside`);
      return this.#host.engine.setAside(id);
    });
  }

  /** Opens the partitions that this broker leads, at its start, before clients are served. */
  async open(all: readonly HostedPartition[]): Promise<void> {
    await forEachLog(all, async (hosted) => {
      const slot = newSlot(hosted, null);
      this.#place(slot);
      await this.#openSlot(slot);
    });
  }

  /** Applies changes of the metadata to partitions that this broker leads, new ones included. */
  host(changed: readonly HostedPartition[]): void {
    for (const hosted of changed) {
      const slot = this.#topics.get(hosted.id.topic)?.[hosted.id.partition];
      const known = slot?.hosted.id.topicId === hosted.id.topicId;
      if (slot === undefined || !known || this.#isNewTerm(slot, hosted)) {
        if (slot !== undefined && known) this.#release(slot);
        this.#hostNew(hosted);
        continue;
      }
      slot.hosted = hosted;
      this.#configure(slot.partition, hosted);
      slot.partition?.lead(hosted.leaderEpoch);
    }
  }

  /** Another broker leads this partition from now on. Waiting fetches are woken, and refused. */
  release(topic: string, topicId: string, index: number): void {
    const slots = this.#topics.get(topic);
    const slot = slots?.[index];
    if (slots === undefined || slot?.hosted.id.topicId !== topicId) return;
    delete slots[index];
    this.#news.lost(slot.hosted.id, slot.hosted.leaderEpoch);
    this.#release(slot);
  }

  /**
   * A topic was deleted: its partitions are unknown at once. A standalone broker then deletes the
   * logs; replicated ones are deleted by the controller.
   */
  remove(topic: string, topicId: string): void {
    const slots = this.#topics.get(topic)?.filter((slot) => slot.hosted.id.topicId === topicId);
    if (slots === undefined || slots.length === 0) return;
    this.#topics.delete(topic);
    if (this.replicated) for (const slot of slots) this.#release(slot);
    else for (const { partition } of slots) partition?.ended();
    this.#host.deleteLogs(slots.map(({ hosted }) => hosted.id));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#news.close();
    const { retention, cleaner } = this;
    await Promise.all([this.#maintenance, retention, cleaner].map((work) => work.close()));
    await Promise.all([this.#host.deleted(), ...this.#turns.values()]);
    await forEachLog([...this.#slots()], async ({ partition }) => this.#close(partition));
  }

  *#slots(): Generator<Slot> {
    // `flat` skips the holes of partitions that other brokers lead.
    for (const slots of this.#topics.values()) yield* slots.flat();
  }

  #isNewTerm(slot: Slot, { leaderEpoch }: HostedPartition): boolean {
    return this.replicated && slot.hosted.leaderEpoch !== leaderEpoch;
  }

  #release(slot: Slot): void {
    slot.released = true;
    const { partition } = slot;
    slot.partition = null;
    endTakeOver(slot);
    if (partition === null) return;
    partition.ended();
    void this.#inTurn(slot.hosted.id, () => this.#close(partition));
  }

  /** Serializes opening and closing of the same log. */
  #inTurn(id: LogId, work: () => Promise<unknown>): Promise<unknown> {
    const key = keyOf(id);
    const before = this.#turns.get(key) ?? Promise.resolve();
    const turn = before.then(work).finally(() => {
      if (this.#turns.get(key) === turn) this.#turns.delete(key);
    });
    this.#turns.set(key, turn);
    return turn;
  }

  async #close(partition: Partition | null): Promise<void> {
    if (partition !== null) await this.#host.close(partition);
  }

  #hostNew(hosted: HostedPartition): void {
    const key = keyOf(hosted.id);
    const partition = this.#prepared.get(key) ?? null;
    this.#prepared.delete(key);
    const slot = newSlot(hosted, partition);
    this.#place(slot);
    if (partition === null) void this.#takeOver(slot);
    this.#configure(partition, hosted);
    partition?.lead(hosted.leaderEpoch);
  }

  #configure(partition: Partition | null, { id, settings }: HostedPartition): void {
    partition?.log.configure(settings);
    partition?.deduplicate(dedupeOf(id, settings), this.#env.clock);
  }

  async #takeOver(slot: Slot): Promise<void> {
    this.#news.takeOverBegan();
    await this.#openSlot(slot);
    this.#news.takeOverEnded();
  }

  #place(slot: Slot): void {
    const { topic, partition } = slot.hosted.id;
    const slots = this.#topics.get(topic) ?? [];
    this.#topics.set(topic, slots);
    slots[partition] = slot;
  }

  #openSlot(slot: Slot): Promise<unknown> {
    // The log may still be opened or closed for the previous leader epoch.
    return this.#inTurn(slot.hosted.id, () => this.#openNow(slot));
  }

  async #openNow(slot: Slot): Promise<void> {
    if (slot.released) return;
    const { id, settings, leaderEpoch } = slot.hosted;
    try {
      const holder: { partition?: Partition } = {};
      const options = { ...logOptions(id, settings, holder), leaderEpoch };
      holder.partition = await this.#openPartition(slot.hosted, options);
      if (slot.released) return await this.#close(holder.partition);
      slot.partition = holder.partition;
      // A replicated log goes offline for a moment with each election.
      if (slot.failure !== null && !this.replicated)
        this.#logger.info(`${nameOf(id)} is online again: its log was read from the disk`);
      // They may have changed meanwhile.
      if (slot.hosted.settings !== settings) this.#configure(slot.partition, slot.hosted);
      slot.failure = null;
      slot.tellAtMs = null;
      endTakeOver(slot);
      if (this.replicated) this.#news.gained(id, leaderEpoch);
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      if (slot.released) return;
      const isNews = slot.failure?.message !== error.message;
      slot.failure = error;
      if (error.kind === "fenced" || error.kind === "closed") {
        // Another broker leads by now, as the metadata will tell soon, or this broker is stopping.
        slot.tellAtMs = null;
        this.#logger.debug(error.message);
      } else if (isNews) this.#tellOffline(slot);
      endTakeOver(slot);
    }
  }

  /** Logs that a partition is offline, once that has lasted for `offlineToldAfterMs`. */
  #tellOffline(slot: Slot): void {
    const nowMs = this.#env.clock.monotonicMs();
    slot.tellAtMs ??= nowMs + this.#host.offlineToldAfterMs;
    if (nowMs < slot.tellAtMs || slot.failure === null) return;
    slot.tellAtMs = null;
    const { message } = slot.failure;
    this.#logger.error(`${nameOf(slot.hosted.id)} is offline: ${message}`, { error: slot.failure });
  }

  /** Closes the log again if it cannot be read to its end, so that the next try can open it. */
  async #openPartition(
    { id, settings, leaderEpoch }: HostedPartition,
    options: LogOptions,
  ): Promise<Partition> {
    const log = await this.#host.engine.open(id, options);
    const rules = dedupeOf(id, settings);
    const messageIds = rules === null ? null : new MessageIds(this.#env.clock, rules);
    try {
      return await Partition.open(id, log, leaderEpoch, this.#nextTurn, messageIds);
    } catch (error) {
      await log.close().catch(() => {});
      throw error;
    }
  }

  /** Forgets idle producers, and opens offline partitions again. */
  async #maintain(): Promise<void> {
    const idleSince = this.#env.clock.wallMs() - this.#options.producerExpirationMs();
    // After a jump of the wall clock nobody was seen to be idle for so long.
    const isKnown = idleSince >= this.#jumps.lastMs();
    const offline: Slot[] = [];
    for (const slot of this.#slots()) {
      slot.partition?.forgetOld(isKnown ? idleSince : Number.NEGATIVE_INFINITY);
      const failure = slot.partition === null ? slot.failure : slot.partition.log.failure;
      if (failure !== null) offline.push(slot);
      if (slot.tellAtMs !== null) this.#tellOffline(slot);
    }
    this.openTransactions.look(this.all());
    await forEachLog(offline, async (slot) => {
      slot.failure = slot.partition?.log.failure ?? slot.failure;
      const { partition } = slot;
      slot.partition = null;
      await this.#inTurn(slot.hosted.id, () => this.#close(partition));
      if (!this.#closed && !slot.released) await this.#openSlot(slot);
    });
  }
}

function keyOf(id: LogId): string {
  return `${id.topicId}-${id.partition}`;
}

function nameOf(id: LogId): string {
  return `${id.topic}-${id.partition}`;
}
