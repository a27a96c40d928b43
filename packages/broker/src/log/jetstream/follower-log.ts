import type { Timer } from "../../env/env.ts";
import type { LogId, LogOptions } from "../log.ts";
import { LogError } from "../log-error.ts";
import type { TailEntry } from "../memory-tail.ts";
import type { FollowerLog } from "../replication.ts";
import { AdvanceNotice } from "./advance-notice.ts";
import { withLogErrors } from "./checkpoints.ts";
import {
  POLL_AFTER_READ_MS,
  POLL_IDLE_MS,
  POLL_INTERVAL_MS,
  REFRESH_WAITS_MS,
  START_REFRESH_MS,
} from "./limits.ts";
import { batchesOf, isIntact } from "./message-batches.ts";
import { beginFrom, checkStream, type LogOpener, loadSaved, rememberEnd } from "./open-log.ts";
import { loadState } from "./save-checkpoint.ts";
import type { StoredLog } from "./stored-log.ts";
import { labelOf } from "./stream-config.ts";
import type { StoredMessage } from "./transport.ts";

/**
 * A log that another broker writes, up to the messages that were read here. Created by
 * JetStreamEngine.
 *
 * 1. `endOffset` and `startOffset` never go back.
 * 2. A failed poll is repeated later; `failure` is always null.
 * 3. If the log was trimmed past the messages read here, both offsets jump. A state machine that
 *    replays the log then finds `startOffset` above its own offset, and must load a checkpoint.
 */
export class JetStreamFollowerLog implements FollowerLog {
  readonly #opener: LogOpener;
  readonly #log: StoredLog;
  readonly #notice: AdvanceNotice;
  #timer: Timer | null = null;
  #dueMs = Number.POSITIVE_INFINITY;
  #isPolling = false;
  #refreshWaitsMs: number[] = [];
  /** The log is known to reach this offset, from `refresh`. */
  #knownEnd = 0;
  #emptyPolls = 0;
  #lastReadMs = Number.NEGATIVE_INFINITY;
  #startKnownMs: number;
  #isClosed = false;
  readonly failure = null;
  readonly label: string;

  private constructor(opener: LogOpener, log: StoredLog, label: string, options: LogOptions) {
    this.#opener = opener;
    this.label = label;
    this.#log = log;
    this.#notice = new AdvanceNotice(options);
    this.#startKnownMs = opener.env.clock.monotonicMs();
  }

  static async open(
    opener: LogOpener,
    id: LogId,
    options: LogOptions,
  ): Promise<JetStreamFollowerLog> {
    const info = await checkStream(opener, id);
    const beside = await loadSaved(opener, id);
    const log = beginFrom(opener, id, beside);
    await log.reader.infoReaching(log.end.sequence);
    await opener.api.patiently(() => log.scanThrough(info.state.last_seq));
    const followed = new JetStreamFollowerLog(opener, log, labelOf(info.config), options);
    followed.#pollLater(POLL_INTERVAL_MS);
    return followed;
  }

  get startOffset(): number {
    return this.#log.startOffset;
  }
  get endOffset(): number {
    return this.#log.endOffset;
  }
  get maxTimestamp(): number {
    return this.#log.maxTimestamp;
  }
  get sizeBytes(): number {
    return this.#log.sizeBytes;
  }
  get damagedRanges(): number {
    return this.#log.damagedRanges;
  }
  get isClosed(): boolean {
    return this.#isClosed;
  }

  async read(
    offset: number,
    maxBytes: number,
    upTo = this.#log.endOffset,
  ): Promise<readonly Uint8Array[]> {
    this.#refuseWhenClosed();
    this.used();
    return withLogErrors(() => this.#log.read({ offset, maxBytes, upTo }));
  }

  async offsetAt(timestamp: number, from?: number): Promise<number | null> {
    this.#refuseWhenClosed();
    this.used();
    return withLogErrors(() => this.#log.offsetAt(timestamp, from));
  }

  async loadCheckpoint(): Promise<{ offset: number; state: Uint8Array } | null> {
    this.#refuseWhenClosed();
    const { checkpoint, start } = await withLogErrors(() => loadSaved(this.#opener, this.#log.id));
    if (!checkpoint || checkpoint.offset < (start?.startOffset ?? 0)) return null;
    return withLogErrors(() => loadState(this.#opener, this.#log.id, checkpoint));
  }

  configure(options: Partial<LogOptions>): void {
    this.#notice.configure(options);
    this.#pollLater(POLL_INTERVAL_MS);
  }

  refresh(end = 0): void {
    this.#knownEnd = Math.max(this.#knownEnd, end);
    this.#refreshWaitsMs = [...REFRESH_WAITS_MS];
    this.#pollLater(0);
  }

  used(): void {
    this.#lastReadMs = this.#opener.env.clock.monotonicMs();
    this.#pollLater(POLL_INTERVAL_MS);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#log.tail.clear();
  }

  #pollLater(delayMs: number): void {
    const { clock, timers } = this.#opener.env;
    const dueMs = clock.monotonicMs() + delayMs;
    if (this.#isClosed || this.#isPolling || dueMs >= this.#dueMs) return;
    this.#timer?.cancel();
    this.#dueMs = dueMs;
    this.#timer = timers.after(delayMs, () => void this.#poll());
  }

  async #poll(): Promise<void> {
    this.#isPolling = true;
    this.#dueMs = Number.POSITIVE_INFINITY;
    const before = this.#log.end.sequence;
    // The next poll tries again.
    await this.#catchUp().catch(() => {});
    const isNew = this.#log.end.sequence > before;
    this.#emptyPolls = isNew ? 0 : this.#emptyPolls + 1;
    if (isNew) this.#refreshWaitsMs = [];
    this.#isPolling = false;
    const nextMs = this.#refreshWaitsMs.shift() ?? this.#nextPollMs();
    if (nextMs !== null) this.#pollLater(nextMs);
  }

  /** Null: no poll, as no one reads or listens. Without reads, empty polls become rarer. */
  #nextPollMs(): number | null {
    const nowMs = this.#opener.env.clock.monotonicMs();
    if (nowMs < this.#lastReadMs + POLL_AFTER_READ_MS) return POLL_INTERVAL_MS;
    if (!this.#notice.onAdvance) return null;
    return Math.min(POLL_INTERVAL_MS * 2 ** Math.min(this.#emptyPolls, 8), POLL_IDLE_MS);
  }

  async #catchUp(): Promise<void> {
    const log = this.#log;
    const nowMs = this.#opener.env.clock.monotonicMs();
    if (nowMs >= this.#startKnownMs + START_REFRESH_MS) {
      this.#startKnownMs = nowMs;
      await log.refreshStart();
    }
    for (;;) {
      const { endOffset } = log;
      const messages = await this.#readNext();
      // The end has jumped to where the log was compacted, or trimmed, meanwhile.
      if (log.endOffset > endOffset) this.#notice.give(Number.POSITIVE_INFINITY);
      if (this.#isClosed || messages.length === 0) return;
      this.#accept(messages);
    }
  }

  /** Reads from any replica; from the leader after some empty polls, as replicas may lag. */
  async #readNext(): Promise<readonly StoredMessage[]> {
    const log = this.#log;
    const messages = await log.readNext(log.end.sequence);
    if (messages.length > 0 || log.endOffset >= this.#knownEnd) return messages;
    return this.#emptyPolls < REFRESH_WAITS_MS.length ? messages : log.readNextFromLeader();
  }

  #accept(messages: readonly StoredMessage[]): void {
    const log = this.#log;
    const entries: TailEntry[] = [];
    let sizeBytes = 0;
    for (const message of messages) {
      const { nextOffset: before } = log.end;
      const meaning = log.advance(message);
      if (meaning.kind !== "batches") continue;
      const batches = batchesOf(message.payload, meaning);
      const isWhole = batches.every(isIntact);
      sizeBytes +=
        meaning.baseOffset === before ? message.payload.length : Number.POSITIVE_INFINITY;
      if (meaning.baseOffset !== before || !isWhole) {
        entries.length = 0;
        log.tail.clear();
      }
      // Damaged batches are left to cold reads, which report the damage.
      if (isWhole) entries.push(...batches);
    }
    log.tail.add(entries);
    rememberEnd(this.#opener, log);
    this.#notice.give(sizeBytes);
  }

  #refuseWhenClosed(): void {
    if (this.#isClosed) throw new LogError("closed", `log ${this.#log.name} is closed`);
  }
}
