import { ErrorCode } from "@tarpan/protocol";
import type { Log } from "../log/log.ts";
import { LogError } from "../log/log-error.ts";
import { KafkaError } from "../util/kafka-error.ts";
import type { NextTurn } from "../util/next-turn.ts";
import {
  MAX_DECISION_BATCH_BYTES,
  MAX_DECISION_BYTES,
  RECORD_OVERHEAD_BYTES,
  SNAPSHOT_MIN_RECORDS,
  SNAPSHOT_RATIO,
} from "./limits.ts";
import { appendRecords, type ReplayProgress, replay } from "./replay.ts";
import { Snapshot } from "./snapshot.ts";
import { type EncodedRecord, type StateMachine, sizeOf } from "./state-machine.ts";

/** The result of a decision: the records to append, and the reply for when they are durable. */
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
  /** Waited for between slices. Left out where no other work needs the event loop. */
  readonly nextTurn?: NextTurn;
  /** For tests: `SNAPSHOT_MIN_RECORDS`. */
  readonly snapshotMinRecords?: number;
}

/** An append failed, or its outcome is unknown. Its decisions were not replied to. */
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
 * 1. Decisions run at once, in call order, on the working state: the committed state plus all later
 *    decisions. So each sees all earlier ones, and none waits for a sync to begin.
 * 2. One append is in flight at a time. Decisions made meanwhile form the next batch, so a thousand
 *    concurrent decisions cost a few syncs (group commit).
 * 3. A reply is sent when the decision's records are durable, and those of all earlier decisions
 *    too, because a crash must not undo anything that a reply depends on. So a decision without
 *    records is replied to at once only when nothing is in flight.
 * 4. `state` moves, and listeners run, when an append has committed: never before it is durable.
 * 5. The outcome of a failed append is unknown: all pending decisions are rejected, and the machine
 *    is offline until it is loaded again. A full disk is the exception, because the log has rolled
 *    back: pending decisions are rejected, and the working state becomes the committed one again.
 * 6. A snapshot is appended in slices, one per turn. When the last slice is durable, the log before
 *    the first one is trimmed. Records are upserts, so after a crash in between the replay leads to
 *    the same state. If the state is a value, all slices show the same state, and decisions wait
 *    until the last one is written. If it changes in place, decisions continue between slices, and
 *    a slice is taken only when every decision that it may show is before it in the log.
 */
export class ReplayedState<State, Rec> {
  readonly #machine: StateMachine<State, Rec>;
  readonly #options: ReplayedOptions;
  readonly #listeners = new Set<(previous: State, next: State) => void>();
  #committed: State;
  #working: State;
  #queue: Waiting<State>[] = [];
  #queuedRecords = 0;
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

  /** Replays the log. Rejects with the log's error: a partly loaded state is never served. */
  static async load<State, Rec>(
    machine: StateMachine<State, Rec>,
    options: ReplayedOptions,
  ): Promise<ReplayedState<State, Rec>> {
    const state = await replay(machine, options.log, options);
    return new ReplayedState(machine, options, state);
  }

  /** The committed state. */
  get state(): State {
    return this.#committed;
  }

  /** Set once the machine went offline. */
  get failure(): StateMachineError | null {
    return this.#failure;
  }

  /**
   * The offset of the next decision's first record, if the state changes in place: then nothing is
   * appended before decisions that wait.
   */
  get nextOffset(): number {
    return this.#options.log.nextOffset + this.#queuedRecords;
  }

  /** Calls `listener` after each commit. Returns a function that ends the subscription. */
  onCommit(listener: (previous: State, next: State) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Rejects with StateMachineError, or, and then nothing was changed, with an error of `decision`.
   * If the state is a value, also with KafkaError when the records are too large for one batch.
   */
  async decide<Reply>(decision: (state: State) => Decision<Rec, Reply>): Promise<Reply> {
    if (this.#failure !== null) throw this.#failure;
    const { records, response } = decision(this.#working);
    if (records.length === 0 && this.#running === null) return response;
    const encoded = records.map((record) => this.#machine.encode(record));
    if (!this.#machine.changesInPlace) checkSize(encoded);
    if (records.length > 0) this.#working = this.#machine.apply(this.#working, records);
    const after = this.#working;
    this.#queuedRecords += encoded.length;
    await new Promise<void>((resolve, reject) => {
      this.#queue.push({ records: encoded, after, resolve, reject });
      this.#running ??= this.#run();
    });
    return response;
  }

  /** Resolves when nothing is in flight. The log's owner must close it. */
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

  /** Whether decisions wait for the end of a snapshot, because the state is a value. */
  get #isHeld(): boolean {
    return this.#snapshot?.isDue === true && !this.#machine.changesInPlace;
  }

  /** Appends a round of decisions, and then the next slice of a snapshot in progress. */
  async #appendRound(round: Waiting<State>[]): Promise<void> {
    const records = round.flatMap((waiting) => waiting.records);
    const decided = records.length > 0 ? this.#append(records) : null;
    const slice = this.#takeSlice();
    const sliced = slice === null || slice === "whole" ? null : this.#append(slice);
    // If the round fails, the slice fails too: without this its rejection would be unhandled.
    sliced?.catch(() => {});
    await decided;
    if (round.length > 0) this.#commit(round.at(-1)!.after);
    // Emptied, so that a failed slice does not reject decisions that were replied to.
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
    for (let bytes = 0; taken < this.#queue.length; taken++) {
      bytes += bytesOf(this.#queue[taken]!.records);
      if (taken > 0 && bytes > MAX_DECISION_BATCH_BYTES) break;
    }
    const round = this.#queue.splice(0, taken);
    for (const { records } of round) this.#queuedRecords -= records.length;
    return round;
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
    this.#queuedRecords = 0;
    for (const waiting of [...round, ...this.#queue.splice(0)]) waiting.reject(error);
  }

  /** The state's records are counted first: a snapshot pays off only if the log has many more. */
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

  /** The slice to append now, null when none may be appended; "whole" after the last one. */
  #takeSlice(): EncodedRecord[] | "whole" | null {
    if (this.#snapshot === null) return null;
    if (!this.#snapshot.isDue) {
      this.#countOn(this.#snapshot);
      return null;
    }
    // All decisions that the slice shows must be before it in the log.
    if (this.#machine.changesInPlace && this.#queue.length > 0) return null;
    if (this.#snapshot.startOffset === null) {
      // If the state is a value, nothing is in flight now (#isHeld), so it is all in the log.
      this.#snapshot.records = new Snapshot(this.#machine, this.#committed);
      this.#snapshot.startOffset = this.#options.log.nextOffset;
    }
    return this.#snapshot.records.next() ?? "whole";
  }
}

/** Refused before it is applied: after that, a failed append would end the machine. */
function checkSize(records: readonly EncodedRecord[]): void {
  const bytes = bytesOf(records);
  if (bytes <= MAX_DECISION_BYTES) return;
  const text =
    `the change needs ${bytes} bytes, and one change can have ${MAX_DECISION_BYTES}: ` +
    "make it in several requests";
  throw new KafkaError(ErrorCode.INVALID_REQUEST, text);
}

function bytesOf(records: readonly EncodedRecord[]): number {
  let bytes = 0;
  for (const record of records) bytes += sizeOf(record) + RECORD_OVERHEAD_BYTES;
  return bytes;
}

interface SnapshotUnderWay<State, Rec> {
  records: Snapshot<State, Rec>;
  count: number;
  /** Whether it was counted, and pays off. */
  isDue: boolean;
  /** Where it begins in the log; null before its first slice. */
  startOffset: number | null;
}
