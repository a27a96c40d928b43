import type { LogOptions, LogSegment } from "../log.ts";
import { LogError } from "../log-error.ts";
import type { LeaderLog, ReplicatedLogOptions } from "../replication.ts";
import { AdvanceNotice } from "./advance-notice.ts";
import { AppendPipeline } from "./append-pipeline.ts";
import type { StreamCheckpoint } from "./checkpoint-format.ts";
import { withLogErrors } from "./checkpoints.ts";
import { JetStreamCompactor } from "./compactor.ts";
import { BLOCK_BYTES, CLOSE_GRACE_MS } from "./limits.ts";
import { moveStart, saveStart } from "./log-start.ts";
import {
  beginFrom,
  checkStream,
  type LogOpener,
  loadCheckpoint,
  loadSaved,
  rememberEnd,
} from "./open-log.ts";
import { unconfirmed } from "./resolve-message.ts";
import { loadState, saveCheckpoint } from "./save-checkpoint.ts";
import type { StoredLog } from "./stored-log.ts";
import { subjectOf } from "./stream-config.ts";
import { takeOver } from "./take-over.ts";

/** A log that this broker writes. Created by JetStreamEngine. */
export class JetStreamLeaderLog implements LeaderLog {
  readonly leaderEpoch: number;
  readonly #opener: LogOpener;
  readonly #log: StoredLog;
  readonly #pipeline: AppendPipeline;
  readonly #notice: AdvanceNotice;
  readonly compactor: JetStreamCompactor;
  #options: Pick<LogOptions, "segmentBytes" | "segmentMs">;
  /** Serializes writes to the checkpoint stream. */
  #turn: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | null = null;

  private constructor(
    opener: LogOpener,
    log: StoredLog,
    leaderEpoch: number,
    options: ReplicatedLogOptions,
  ) {
    this.#opener = opener;
    this.#log = log;
    this.leaderEpoch = leaderEpoch;
    this.#notice = new AdvanceNotice(options);
    this.#options = options;
    this.#pipeline = new AppendPipeline({
      api: opener.api,
      log,
      subject: subjectOf(log.id),
      clock: opener.env.clock,
      flushes: opener.flushes,
      settled: (sizeBytes) => {
        rememberEnd(opener, log);
        this.#notice.give(sizeBytes);
      },
    });
    this.compactor = this.#newCompactor();
  }

  #newCompactor(): JetStreamCompactor {
    const pipeline = this.#pipeline;
    return new JetStreamCompactor({
      log: this.#log,
      api: this.#opener.api,
      syncedAfterMs: this.#opener.syncedAfterMs,
      options: () => this.#options,
      refusal: () => this.#refusal(),
      newRun: () => Buffer.from(this.#opener.env.random.bytes(8)).toString("hex"),
      maxBytes: () => pipeline.maxPayloadBytes,
      append: (copy) => pipeline.copy(copy),
      moveStart: (start) => this.#inTurn(() => moveStart(this.#opener, this.#log, start, null)),
      purge: () => this.#inTurn(() => this.#purge()),
    });
  }

  static async open(
    opener: LogOpener,
    id: StoredLog["id"],
    options: ReplicatedLogOptions,
  ): Promise<JetStreamLeaderLog> {
    await checkStream(opener, id);
    const beside = await loadSaved(opener, id);
    const log = beginFrom(opener, id, beside);
    log.blockBytes = blockBytesOf(options);
    await log.reader.infoReaching(log.end.sequence);
    const epoch = await takeOver(opener, log, options);
    rememberEnd(opener, log);
    return new JetStreamLeaderLog(opener, log, epoch, options);
  }

  get startOffset(): number {
    return this.#log.startOffset;
  }
  get endOffset(): number {
    return this.#log.endOffset;
  }
  get nextOffset(): number {
    return this.#pipeline.nextOffset;
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
  get failure(): LogError | null {
    return this.#closed ? null : this.#pipeline.failure;
  }
  get isClosed(): boolean {
    return this.#closed !== null;
  }

  append(batch: Uint8Array, leaderEpoch: number): Promise<number> {
    const refusal = this.#refusal();
    return refusal ? Promise.reject(refusal) : this.#pipeline.append(batch, leaderEpoch);
  }

  confirm(): Promise<void> {
    const refusal = this.#refusal();
    return refusal ? Promise.reject(refusal) : this.#pipeline.confirm();
  }

  async read(
    offset: number,
    maxBytes: number,
    upTo = this.#log.endOffset,
  ): Promise<readonly Uint8Array[]> {
    this.#refuseWhenUnusable();
    return withLogErrors(() => this.#log.read({ offset, maxBytes, upTo }));
  }

  async offsetAt(timestamp: number, from?: number): Promise<number | null> {
    this.#refuseWhenUnusable();
    return withLogErrors(() => this.#log.offsetAt(timestamp, from));
  }

  segments(): Iterable<LogSegment> {
    this.#refuseWhenUnusable();
    return this.#log.segments();
  }

  async deleteBefore(offset: number): Promise<void> {
    this.#refuseWhenUnusable();
    if (offset > this.#log.endOffset) this.#log.refuseOutside(offset);
    await this.#inTurn(() => this.#deleteBefore(offset));
  }

  async #deleteBefore(offset: number): Promise<void> {
    await saveStart(this.#opener, this.#log, offset);
    if (this.compactor.mayPurge) await this.#purge();
  }

  async #purge(): Promise<void> {
    const log = this.#log;
    // Even if a later start was saved already: messages before the start are no longer needed.
    const { api } = this.#opener;
    const purge = { seq: log.firstSequence };
    await api.patiently(() => api.ask(`STREAM.PURGE.${log.reader.stream}`, purge));
  }

  async saveCheckpoint(offset: number, state: Uint8Array): Promise<void> {
    this.#refuseWhenUnusable();
    if (offset > this.#log.endOffset) this.#log.refuseOutside(offset);
    const { index } = this.#log;
    const { position } = this.#log.end;
    const made: StreamCheckpoint = { offset, state, position, index };
    await this.#inTurn(() => saveCheckpoint(this.#opener, this.#log.id, made));
  }

  async loadCheckpoint(): Promise<{ offset: number; state: Uint8Array } | null> {
    this.#refuseWhenUnusable();
    return this.#inTurn(async () => {
      const { checkpoint } = await loadCheckpoint(this.#opener, this.#log.id);
      const { startOffset, endOffset } = this.#log;
      if (!checkpoint || checkpoint.offset < startOffset || checkpoint.offset > endOffset)
        return null;
      return loadState(this.#opener, this.#log.id, checkpoint);
    });
  }

  configure(options: Partial<LogOptions>): void {
    this.#notice.configure(options);
    this.#options = { ...this.#options, ...options };
    this.#log.blockBytes = blockBytesOf(this.#options);
  }

  /** Waits for appends in flight, at most CLOSE_GRACE_MS: their outcome may never be known. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const { timers } = this.#opener.env;
    await new Promise<void>((resolve) => {
      const timer = timers.after(CLOSE_GRACE_MS, resolve);
      void this.#pipeline.idle().then(() => {
        timer.cancel();
        resolve();
      });
    });
    this.#pipeline.fail(this.#closedError(), unconfirmed(this.#log.name));
    this.#log.tail.clear();
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(() => withLogErrors(work));
    this.#turn = result.catch(() => {});
    return result;
  }

  #refuseWhenUnusable(): void {
    const refusal = this.#refusal();
    if (refusal) throw refusal;
  }

  #refusal(): LogError | null {
    return this.#closed ? this.#closedError() : this.#pipeline.failure;
  }

  #closedError(): LogError {
    return new LogError("closed", `log ${this.#log.name} is closed`);
  }
}

/** Small segments are made of small blocks. */
function blockBytesOf({ segmentBytes }: Pick<LogOptions, "segmentBytes">): number {
  return Math.min(BLOCK_BYTES, segmentBytes);
}
