import type { BrokerConfig } from "../config/kafka/typed.ts";
import type { Env, Random } from "../env/env.ts";
import type { MetadataImage } from "../metadata/image.ts";
import type { ClockJumps } from "../util/clock-jumps.ts";
import type { Deadlines, Keyed } from "./deadlines.ts";
import { MAX_DELAY_MS } from "./limits.ts";

export type Reply<T> = (answer: T) => void;

/**
 * What a coordinator does in one turn: for a request, a deadline that is due, or a change of the
 * metadata. It reads state, may change soft state (deadlines, waiting replies), appends records and
 * replies. Only the machine's `apply` changes hard state. Nothing is awaited. For a request `reply`
 * is used exactly once, in this turn or a later one; otherwise it is ignored.
 */
export type Operation<State, Rec, Timer extends Keyed, T = unknown> = (
  turn: Turn<State, Rec, Timer>,
  reply: Reply<T>,
) => void;

/** What a turn reads from outside its shard. */
export interface World {
  readonly env: Pick<Env, "clock" | "timers" | "random">;
  readonly image: () => MetadataImage;
  readonly config: () => BrokerConfig;
  /** Tells the operator of an operation that threw. */
  readonly reportBug: (error: unknown) => void;
  /** The shard has failed, and has to be loaded anew. */
  readonly onFailure: () => void;
  /** Jumps of the wall clock. */
  readonly jumps: Pick<ClockJumps, "lastMs">;
}

interface Answer {
  readonly reply: Reply<never>;
  readonly answer: unknown;
}

/**
 * One turn: the state, the world as values that are read once, and what the operation decided. Its
 * records are appended together and applied; then its replies are sent, in order, so no answer
 * depends on records that a crash could lose.
 */
export class Turn<State, Rec, Timer extends Keyed> {
  readonly state: State;
  /** Monotonic clock, ms: sessions, time-outs, deadlines. */
  readonly nowMs: number;
  /** Wall clock, ms since the epoch: timestamps and retention. */
  readonly wallMs: number;
  readonly image: MetadataImage;
  readonly config: BrokerConfig;
  readonly random: Random;
  /** Of the shard's partition: the coordinator's epoch. */
  readonly leaderEpoch: number;
  /** For what expires by the wall clock. */
  readonly jumps: Pick<ClockJumps, "lastMs">;
  readonly #deadlines: Deadlines<Timer>;
  readonly #log: { readonly nextOffset: number };
  // Allocated when first needed: heartbeats are the most frequent turns and append no record.
  #records: Rec[] | null = null;
  #answers: Answer[] | null = null;
  #next: Operation<State, Rec, Timer>[] | null = null;

  constructor(
    state: State,
    deadlines: Deadlines<Timer>,
    { env, image, config, jumps }: Omit<World, "reportBug" | "onFailure">,
    leaderEpoch: number,
    log: { readonly nextOffset: number },
  ) {
    this.state = state;
    this.nowMs = env.clock.monotonicMs();
    this.wallMs = env.clock.wallMs();
    this.image = image();
    this.config = config();
    this.random = env.random;
    this.leaderEpoch = leaderEpoch;
    this.jumps = jumps;
    this.#deadlines = deadlines;
    this.#log = log;
  }

  /** Of the record that is appended next. */
  get nextOffset(): number {
    return this.#log.nextOffset + this.records.length;
  }

  /** The record is applied after the operation returns, not before. */
  append(record: Rec): void {
    if (this.#records === null) this.#records = [record];
    else this.#records.push(record);
  }

  appendAll(records: readonly Rec[]): void {
    if (records.length === 0) return;
    if (this.#records === null) this.#records = records.slice();
    // No spread: a call takes only so many arguments.
    else for (const record of records) this.#records.push(record);
  }

  reply<T>(reply: Reply<T>, answer: T): void {
    if (this.#answers === null) this.#answers = [{ reply, answer }];
    else this.#answers.push({ reply, answer });
  }

  /**
   * Runs `action` once the records are durable, for effects outside the shard, such as a call to
   * another broker. Its result returns as an operation, through the runtime's `run`.
   */
  whenDurable(action: () => void): void {
    this.reply(action, undefined);
  }

  /**
   * Runs `operation` in a turn of its own, after the records of this turn are applied and before
   * any other turn: for soft state of what these records create.
   */
  afterwards(operation: Operation<State, Rec, Timer>): void {
    if (this.#next === null) this.#next = [operation];
    else this.#next.push(operation);
  }

  /** The machine's `fired` gets `timer` after `delayMs`. Replaces the timer of the same key. */
  arm(timer: Timer, delayMs: number): void {
    this.#deadlines.set(timer, this.nowMs + Math.min(Math.max(delayMs, 0), MAX_DELAY_MS));
  }

  disarm(key: string): void {
    this.#deadlines.clear(key);
  }

  isArmed(key: string): boolean {
    return this.#deadlines.has(key);
  }

  get records(): readonly Rec[] {
    return this.#records ?? NOTHING;
  }

  get next(): readonly Operation<State, Rec, Timer>[] {
    return this.#next ?? NOTHING;
  }

  /** Sends the replies. Called when the records are durable. */
  answer(): void {
    for (const { reply, answer } of this.#answers ?? NOTHING) reply(answer as never);
  }
}

const NOTHING: readonly never[] = [];
