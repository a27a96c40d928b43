import type { LedLog, LogOptions } from "../log.ts";
import { LogError } from "../log.ts";
import { AdvanceNotice } from "./advance-notice.ts";
import { AppendWindow } from "./append-window.ts";
import { encodeCheckpoint, encodeStart } from "./checkpoint-format.ts";
import type { LogPosition } from "./grammar.ts";
import { CLOSE_GRACE_MS } from "./limits.ts";
import { beginFrom, inspect, type KeptBeside, loadBeside, type Workshop } from "./open-log.ts";
import type { StoredLog } from "./stored-log.ts";
import { subjectOf } from "./stream-config.ts";
import { shorterThanAcknowledged } from "./stream-reader.ts";
import { takeOver } from "./take-over.ts";

/** A log that this broker writes. Made by JetStreamEngine. */
export class JetStreamLedLog implements LedLog {
  readonly leaderEpoch: number;
  readonly #workshop: Workshop;
  readonly #log: StoredLog;
  readonly #window: AppendWindow;
  readonly #notice: AdvanceNotice;
  #beside: KeptBeside;
  /** Writes beside the log take turns. */
  #turn: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | null = null;

  private constructor(
    workshop: Workshop,
    log: StoredLog,
    beside: KeptBeside,
    leaderEpoch: number,
    options: LogOptions,
  ) {
    this.#workshop = workshop;
    this.#log = log;
    this.#beside = beside;
    this.leaderEpoch = leaderEpoch;
    this.#notice = new AdvanceNotice(options);
    this.#window = new AppendWindow({
      api: workshop.api,
      timers: workshop.env.timers,
      log,
      subject: subjectOf(log.id),
      settled: () => {
        workshop.known.set(log.reader.stream, log.end.sequence);
        this.#notice.give();
      },
    });
  }

  static async open(
    workshop: Workshop,
    id: StoredLog["id"],
    options: LogOptions,
  ): Promise<JetStreamLedLog> {
    const info = await inspect(workshop, id);
    const beside = await loadBeside(workshop, id);
    const log = beginFrom(workshop, id, beside);
    if (info.state.last_seq < log.end.sequence)
      throw shorterThanAcknowledged(log.reader.stream, info.state.last_seq, log.end.sequence);
    const epoch = await takeOver(workshop, log, options.leaderEpoch);
    workshop.known.set(log.reader.stream, log.end.sequence);
    return new JetStreamLedLog(workshop, log, beside, epoch, options);
  }

  get startOffset(): number {
    return this.#log.startOffset;
  }
  get endOffset(): number {
    return this.#log.endOffset;
  }
  get nextOffset(): number {
    return this.#window.nextOffset;
  }
  get maxTimestamp(): number {
    return this.#log.index.maxTimestamp;
  }
  get sizeBytes(): number {
    return this.#log.index.sizeBytes;
  }
  get failure(): LogError | null {
    return this.#closed ? null : this.#window.failure;
  }
  get isClosed(): boolean {
    return this.#closed !== null;
  }

  append(batch: Uint8Array, leaderEpoch: number): Promise<number> {
    const refusal = this.#refusal();
    return refusal ? Promise.reject(refusal) : this.#window.append(batch, leaderEpoch);
  }

  async read(
    offset: number,
    maxBytes: number,
    upTo = this.#log.endOffset,
  ): Promise<readonly Uint8Array[]> {
    this.#refuseWhenUnusable();
    return this.#log.read({ offset, maxBytes, upTo });
  }

  async offsetAt(timestamp: number): Promise<number | null> {
    this.#refuseWhenUnusable();
    return this.#log.offsetAt(timestamp);
  }

  async deleteBefore(offset: number): Promise<void> {
    this.#refuseWhenUnusable();
    if (offset > this.#log.endOffset) this.#log.refuseOutside(offset);
    await this.#inTurn(() => this.#deleteBefore(offset));
  }

  async #deleteBefore(offset: number): Promise<void> {
    const log = this.#log;
    const { api, checkpoints } = this.#workshop;
    if (offset <= log.startOffset) return;
    const { position, cut } = await locate(log, offset);
    const start = encodeStart({ startOffset: offset, position });
    const { startSequence } = this.#beside;
    const saved = await checkpoints
      .save("s", log.id, start, startSequence)
      .catch((error: unknown) => {
        if (error instanceof LogError && error.kind === "fenced") this.#window.fail(error);
        throw error;
      });
    this.#beside = { ...this.#beside, startSequence: saved };
    log.startOffset = offset;
    log.tail.dropBefore(offset);
    log.index.dropUntil(position, cut);
    log.forgetPlaces();
    const purge = { seq: position.sequence + 1 };
    await api.patiently(() => api.ask(`STREAM.PURGE.${log.reader.stream}`, purge));
  }

  async saveCheckpoint(offset: number, state: Uint8Array): Promise<void> {
    this.#refuseWhenUnusable();
    if (offset > this.#log.endOffset) this.#log.refuseOutside(offset);
    const { index } = this.#log;
    const { position } = this.#log.end;
    const payload = encodeCheckpoint({ offset, state, position, index });
    await this.#inTurn(() => this.#saveCheckpoint(payload));
  }

  async #saveCheckpoint(payload: Uint8Array): Promise<void> {
    const { checkpoints, report } = this.#workshop;
    if (payload.length > checkpoints.maxBytes) {
      const limit = `of ${payload.length} bytes is over max_payload (${checkpoints.maxBytes})`;
      report(`log ${this.#log.name}: its checkpoint ${limit} and not saved`);
      return;
    }
    const { checkpointSequence: sequence } = this.#beside;
    const saved = await checkpoints.save("c", this.#log.id, payload, sequence);
    this.#beside = { ...this.#beside, checkpointSequence: saved };
  }

  async loadCheckpoint(): Promise<{ offset: number; state: Uint8Array } | null> {
    this.#refuseWhenUnusable();
    return this.#inTurn(async () => {
      const { checkpoint } = await loadBeside(this.#workshop, this.#log.id);
      const { startOffset, endOffset } = this.#log;
      if (!checkpoint || checkpoint.offset < startOffset || checkpoint.offset > endOffset)
        return null;
      return { offset: checkpoint.offset, state: checkpoint.state };
    });
  }

  configure(options: Partial<LogOptions>): void {
    this.#notice.configure(options);
  }

  /** Waits for what is in flight, but not for long for what may never be known. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const { timers } = this.#workshop.env;
    await new Promise<void>((resolve) => {
      const timer = timers.after(CLOSE_GRACE_MS, resolve);
      void this.#window.idle().then(() => {
        timer.cancel();
        resolve();
      });
    });
    this.#window.fail(this.#closedError());
    this.#log.tail.clear();
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }

  #refuseWhenUnusable(): void {
    const refusal = this.#refusal();
    if (refusal) throw refusal;
  }

  #refusal(): LogError | null {
    return this.#closed ? this.#closedError() : this.#window.failure;
  }

  #closedError(): LogError {
    return new LogError("closed", `log ${this.#log.name} is closed`);
  }
}

/**
 * What the messages before the one that holds `offset` come to, and what of its block lies before
 * it. The last message is kept in any case: it tells where the log ends.
 */
async function locate(
  log: StoredLog,
  offset: number,
): Promise<{ position: LogPosition; cut: { messages: number; sizeBytes: number } }> {
  const last = log.end.sequence;
  const { blocks } = log.index;
  const block = blocks[Math.max(0, log.index.find(Math.min(offset, log.endOffset - 1)))];
  const cut = { messages: 0, sizeBytes: 0 };
  if (!block) return { position: { ...log.end.position, sequence: last - 1 }, cut };
  for await (const { message, meaning, before } of log.walk(log.index.positionBefore(block))) {
    const isWanted = meaning.kind === "batch" && meaning.nextOffset > offset;
    if (isWanted || message.sequence >= last) return { position: before, cut };
    if (meaning.kind !== "batch") continue;
    cut.messages += 1;
    cut.sizeBytes += message.payload.length;
  }
  throw new LogError("offline", `log ${log.name}: the place of offset ${offset} was not found`);
}
