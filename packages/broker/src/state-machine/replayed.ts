import { type Log, LogError } from "../log/log.ts";
import {
  MAX_DECISION_BATCH_BYTES,
  SNAPSHOT_BATCH_RECORDS,
  SNAPSHOT_MIN_RECORDS,
  SNAPSHOT_RATIO,
} from "./limits.ts";
import { appendRecords, type ReplayProgress, replay } from "./replay.ts";
import type { EncodedRecord, StateMachine } from "./state-machine.ts";

/** What a coordinator method answers: the records that make it true, and the reply. */
export interface Decision<Rec, Reply> {
  readonly records: readonly Rec[];
  readonly response: Reply;
}

export interface ReplayedOptions {
  readonly log: Log;
  /** Stamped into appended batches. */
  readonly leaderEpoch: number;
  readonly wallMs: () => number;
  readonly onProgress?: (progress: ReplayProgress) => void;
  /** For tests: `SNAPSHOT_MIN_RECORDS`. */
  readonly snapshotMinRecords?: number;
}

/** The outcome of an append is unknown or bad; nothing was replied to. */
export class StateMachineError extends Error {
  readonly code: "TARPAN_STATE_OFFLINE" | "TARPAN_STATE_DISK_FULL";

  constructor(code: StateMachineError["code"], cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(
      code === "TARPAN_STATE_OFFLINE"
        ? `the log of this state failed, restart the broker to read it again: ${why}`
        : `the disk is full, nothing was changed: ${why}`,
      { cause },
    );
    this.name = "StateMachineError";
    this.code = code;
  }
}

interface Waiting<State> {
  readonly records: readonly EncodedRecord[];
  readonly after: State;
  resolve(): void;
  reject(error: Error): void;
}

/**
 * Runs a state machine over a log: load → decide → append → apply → reply.
 *
 * 1. Decisions run at once, in call order, against the working state: the committed one plus
 *    everything decided since. So each sees all earlier ones, and none waits for a sync to begin.
 * 2. One append is in flight at a time. What was decided meanwhile goes into the next batch, whole
 *    decisions only, so a thousand concurrent decisions cost a few syncs (group commit).
 * 3. A reply is sent after the append that carries its records, and after that of anything its
 *    decision could have seen: an answer never rests on what a crash could take back. A decision
 *    without records therefore replies at once only when nothing is in flight.
 * 4. `state` moves, and listeners run, when an append has committed: never before it is durable.
 * 5. When an append failed, its outcome is unknown: everything that waits is rejected and the
 *    machine stays offline until it is loaded again. A full disk is the exception (the log has
 *    rolled back): what waits is rejected, the working state returns to the committed one.
 * 6. A snapshot is appended with nothing between its batches, and what precedes it is trimmed
 *    afterwards. Its records are upserts, so a crash in the middle replays to the same state.
 */
export class Replayed<State, Rec> {
  readonly #machine: StateMachine<State, Rec>;
  readonly #options: ReplayedOptions;
  readonly #listeners = new Set<(previous: State, next: State) => void>();
  #committed: State;
  #working: State;
  #queue: Waiting<State>[] = [];
  #running: Promise<void> | null = null;
  #failure: StateMachineError | null = null;
  #snapshotAt: number;

  private constructor(machine: StateMachine<State, Rec>, options: ReplayedOptions, state: State) {
    this.#machine = machine;
    this.#options = options;
    this.#committed = state;
    this.#working = state;
    this.#snapshotAt = options.snapshotMinRecords ?? SNAPSHOT_MIN_RECORDS;
  }

  /** Replays the log. Rejects with the log's error: a state half read is never served. */
  static async load<State, Rec>(
    machine: StateMachine<State, Rec>,
    options: ReplayedOptions,
  ): Promise<Replayed<State, Rec>> {
    const state = await replay(machine, options.log, options.onProgress);
    return new Replayed(machine, options, state);
  }

  /** The committed state. */
  get state(): State {
    return this.#committed;
  }

  /** Set once the machine went offline. */
  get failure(): StateMachineError | null {
    return this.#failure;
  }

  /** Runs after each commit. Returns what ends the subscription. */
  onCommit(listener: (previous: State, next: State) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Rejects with StateMachineError, or with what `decision` threw: then nothing has changed. */
  async decide<Reply>(decision: (state: State) => Decision<Rec, Reply>): Promise<Reply> {
    if (this.#failure !== null) throw this.#failure;
    const { records, response } = decision(this.#working);
    if (records.length === 0 && this.#running === null) return response;
    const encoded = records.map((record) => this.#machine.encode(record));
    if (records.length > 0) this.#working = this.#machine.apply(this.#working, records);
    const after = this.#working;
    await new Promise<void>((resolve, reject) => {
      this.#queue.push({ records: encoded, after, resolve, reject });
      this.#running ??= this.#run();
    });
    return response;
  }

  /** Resolves when nothing is in flight any more. The log stays open: it is its owner's. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // Decisions of the same turn join the first batch.
    await null;
    while (this.#queue.length > 0) {
      const round = this.#takeRound();
      const records = round.flatMap((waiting) => waiting.records);
      try {
        if (records.length > 0) await this.#append(records);
      } catch (error) {
        this.#fail(error, round);
        continue;
      }
      this.#commit(round.at(-1)!.after);
      for (const waiting of round) waiting.resolve();
      try {
        await this.#snapshotWhenDue();
      } catch (error) {
        this.#fail(error, []);
      }
    }
    this.#running = null;
  }

  #takeRound(): Waiting<State>[] {
    let taken = 0;
    for (let bytes = 0; taken < this.#queue.length && bytes < MAX_DECISION_BATCH_BYTES; taken++) {
      for (const record of this.#queue[taken]!.records) bytes += sizeOf(record);
    }
    return this.#queue.splice(0, taken);
  }

  #append(records: readonly EncodedRecord[]): Promise<number> {
    const { log, leaderEpoch, wallMs } = this.#options;
    return appendRecords(log, leaderEpoch, wallMs(), records);
  }

  #commit(next: State): void {
    const previous = this.#committed;
    if (next === previous) return;
    this.#committed = next;
    for (const listener of this.#listeners) listener(previous, next);
  }

  #fail(cause: unknown, round: readonly Waiting<State>[]): void {
    const diskFull = cause instanceof LogError && cause.kind === "disk-full";
    const rolledBack = diskFull && !this.#machine.changesInPlace;
    const code = rolledBack ? "TARPAN_STATE_DISK_FULL" : "TARPAN_STATE_OFFLINE";
    const error = new StateMachineError(code, cause);
    if (!rolledBack) this.#failure = error;
    this.#working = this.#committed;
    for (const waiting of [...round, ...this.#queue.splice(0)]) waiting.reject(error);
  }

  async #snapshotWhenDue(): Promise<void> {
    const { log } = this.#options;
    if (log.endOffset - log.startOffset < this.#snapshotAt) return;
    const records = this.#machine.snapshot(this.#committed);
    const due = records.length * SNAPSHOT_RATIO <= log.endOffset - log.startOffset;
    const least = this.#options.snapshotMinRecords ?? SNAPSHOT_MIN_RECORDS;
    this.#snapshotAt = Math.max(least, records.length * SNAPSHOT_RATIO);
    if (!due) return;
    const start = log.endOffset;
    const encoded = records.map((record) => this.#machine.encode(record));
    const appends: Promise<number>[] = [];
    for (let from = 0, bytes = 0, i = 0; i < encoded.length; i++) {
      bytes += sizeOf(encoded[i]!);
      const full = bytes >= MAX_DECISION_BATCH_BYTES || i + 1 - from >= SNAPSHOT_BATCH_RECORDS;
      if (!full && i + 1 < encoded.length) continue;
      appends.push(this.#append(encoded.slice(from, i + 1)));
      from = i + 1;
      bytes = 0;
    }
    await Promise.all(appends);
    await log.deleteBefore(start);
  }
}

function sizeOf({ key, value }: EncodedRecord): number {
  return (key?.length ?? 0) + (value?.length ?? 0);
}
