import type { Log } from "../log/log.ts";
import { LogError } from "../log/log-error.ts";
import type { NextTurn } from "../util/next-turn.ts";
import { MAX_DECISION_BATCH_BYTES, SNAPSHOT_MIN_RECORDS, SNAPSHOT_RATIO } from "./limits.ts";
import { appendRecords, type ReplayProgress, replay } from "./replay.ts";
import { Snapshot } from "./snapshot.ts";
import { type EncodedRecord, type StateMachine, sizeOf } from "./state-machine.ts";

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
  /** Left out where nobody is beside it whom a snapshot could keep waiting. */
  readonly nextTurn?: NextTurn;
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
 * 6. A snapshot is appended in slices, one a turn, and what precedes its first one is trimmed when
 *    the last one is durable. Its records are upserts, so a crash in between replays to the same
 *    state. That of a value is of one moment: decisions wait until it is written. Of a state that
 *    changes in place each slice is of its own moment, and decisions go on in between: a slice is
 *    taken when every decision it could show lies before it in the log.
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
  #snapshot: SnapshotUnderWay<State, Rec> | null = null;

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
    const state = await replay(machine, options.log, options);
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
    while (this.#queue.length > 0 || this.#snapshot !== null) {
      const round = this.#isHeld ? [] : this.#takeRound();
      try {
        await this.#appendRound(round);
      } catch (error) {
        this.#fail(error, round);
      }
      if (this.#snapshot !== null) await this.#options.nextTurn?.();
    }
    this.#running = null;
  }

  /** A snapshot of a value is of one moment: what is decided meanwhile comes behind it. */
  get #isHeld(): boolean {
    return this.#snapshot?.isDue === true && !this.#machine.changesInPlace;
  }

  /** Appends a round and then a slice of the snapshot that is under way, if one is. */
  async #appendRound(round: Waiting<State>[]): Promise<void> {
    const records = round.flatMap((waiting) => waiting.records);
    const decided = records.length > 0 ? this.#append(records) : null;
    const slice = this.#takeSlice();
    const sliced = slice === null || slice === "whole" ? null : this.#append(slice);
    // It fails with what is before it.
    sliced?.catch(() => {});
    await decided;
    if (round.length > 0) this.#commit(round.at(-1)!.after);
    // Whoever was answered is not to be told that it failed.
    for (const waiting of round.splice(0)) waiting.resolve();
    await sliced;
    if (slice === "whole") {
      const { startOffset } = this.#snapshot!;
      this.#snapshot = null;
      await this.#options.log.deleteBefore(startOffset!);
    } else if (this.#snapshot === null) this.#beginSnapshotWhenDue();
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
    this.#snapshot = null;
    for (const waiting of [...round, ...this.#queue.splice(0)]) waiting.reject(error);
  }

  /** A snapshot is worth it where the state is small beside its log, so it is counted first. */
  #beginSnapshotWhenDue(): void {
    const { log } = this.#options;
    if (log.endOffset - log.startOffset < this.#snapshotAt) return;
    const records = new Snapshot(this.#machine, this.#committed);
    this.#snapshot = { records, count: 0, isDue: false, startOffset: null };
  }

  #countOn(snapshot: SnapshotUnderWay<State, Rec>): void {
    const counted = snapshot.records.countNext();
    if (counted !== null) {
      snapshot.count += counted;
      return;
    }
    const { log, snapshotMinRecords: least = SNAPSHOT_MIN_RECORDS } = this.#options;
    const needed = snapshot.count * SNAPSHOT_RATIO;
    this.#snapshotAt = Math.max(least, needed);
    snapshot.isDue = needed <= log.endOffset - log.startOffset;
    if (!snapshot.isDue) this.#snapshot = null;
  }

  /** The slice that may be appended now, null when it is not its turn; "whole" behind the last. */
  #takeSlice(): EncodedRecord[] | "whole" | null {
    if (this.#snapshot === null) return null;
    if (!this.#snapshot.isDue) {
      this.#countOn(this.#snapshot);
      return null;
    }
    // What it shows of decisions must lie before it in the log.
    if (this.#machine.changesInPlace && this.#queue.length > 0) return null;
    if (this.#snapshot.startOffset === null) {
      // Of a value nothing is in flight now (#isHeld): the committed state is all before it.
      this.#snapshot.records = new Snapshot(this.#machine, this.#committed);
      this.#snapshot.startOffset = this.#options.log.nextOffset;
    }
    return this.#snapshot.records.next() ?? "whole";
  }
}

interface SnapshotUnderWay<State, Rec> {
  records: Snapshot<State, Rec>;
  count: number;
  /** Whether it was counted and is worth it. */
  isDue: boolean;
  /** Where it begins in the log; null before its first slice. */
  startOffset: number | null;
}
