import type { BrokerConfig } from "../config/kafka/typed.ts";
import type { Env, Random } from "../env/env.ts";
import type { MetadataImage } from "../metadata/image.ts";
import type { Deadlines, Keyed } from "./deadlines.ts";
import { MAX_DELAY_MS } from "./limits.ts";

export type Reply<T> = (answer: T) => void;

/**
 * What a coordinator does in one turn: because a request asked for it, a deadline was due, or the
 * metadata changed. It reads state, may change soft state (deadlines, who waits for what), appends
 * records and replies. Hard state changes in the machine's `apply` only. Nothing is awaited.
 * `reply` is used exactly once, now or in a later turn; who was not asked leaves it alone.
 */
export type Operation<State, Rec, Timer extends Keyed, T = unknown> = (
  turn: Turn<State, Rec, Timer>,
  reply: Reply<T>,
) => void;

/** Where a coordinator's turns read the world. */
export interface World {
  readonly env: Pick<Env, "clock" | "timers" | "random">;
  readonly image: () => MetadataImage;
  readonly config: () => BrokerConfig;
}

interface Answer {
  readonly reply: Reply<never>;
  readonly answer: unknown;
}

/**
 * One turn: the state, the world as values read once, and what was decided. Records are appended
 * together and applied; replies are sent after that, in order, so no answer rests on what a crash
 * could take back.
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
  readonly #deadlines: Deadlines<Timer>;
  // Made when first needed: a heartbeat records nothing, and is asked for all the time.
  #records: Rec[] | null = null;
  #answers: Answer[] | null = null;
  #next: Operation<State, Rec, Timer>[] | null = null;

  constructor(state: State, deadlines: Deadlines<Timer>, { env, image, config }: World) {
    this.state = state;
    this.nowMs = env.clock.monotonicMs();
    this.wallMs = env.clock.wallMs();
    this.image = image();
    this.config = config();
    this.random = env.random;
    this.#deadlines = deadlines;
  }

  /** To be recorded, and applied when the turn is over. */
  append(record: Rec): void {
    if (this.#records === null) this.#records = [record];
    else this.#records.push(record);
  }

  appendAll(records: readonly Rec[]): void {
    if (records.length === 0) return;
    if (this.#records === null) this.#records = records.slice();
    // One by one: there may be more of them than a call takes arguments.
    else for (const record of records) this.#records.push(record);
  }

  reply<T>(reply: Reply<T>, answer: T): void {
    if (this.#answers === null) this.#answers = [{ reply, answer }];
    else this.#answers.push({ reply, answer });
  }

  /**
   * Does something outside once the records are durable: asks another broker, say. What comes of it
   * comes back as an operation, by the runtime's `run`.
   */
  whenDurable(action: () => void): void {
    this.reply(action, undefined);
  }

  /**
   * A turn of its own, once the records of this one are applied and before anybody else's: for
   * soft state of what these records make.
   */
  afterwards(operation: Operation<State, Rec, Timer>): void {
    if (this.#next === null) this.#next = [operation];
    else this.#next.push(operation);
  }

  /** Fires `timer` through the machine after `delayMs`; replaces one of the same key. */
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

  /** Sends the replies: the records are durable. */
  answer(): void {
    for (const { reply, answer } of this.#answers ?? NOTHING) reply(answer as never);
  }
}

const NOTHING: readonly never[] = [];
