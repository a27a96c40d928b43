import { ConfigResolver } from "../../src/config/kafka/resolve.ts";
import type { BrokerConfig } from "../../src/config/kafka/typed.ts";
import { Deadlines, type Keyed } from "../../src/coordinator/deadlines.ts";
import type { CoordinatorMachine } from "../../src/coordinator/machine.ts";
import { type Operation, Turn } from "../../src/coordinator/turn.ts";
import { EMPTY_IMAGE, type MetadataImage } from "../../src/metadata/image.ts";
import { ClockJumps } from "../../src/util/clock-jumps.ts";
import { ManualTime } from "../env/manual-time.ts";
import { SeededRandom } from "../env/seeded-random.ts";

/** A request that the coordinator has taken. */
export interface Pending<T, Rec> {
  /** Throws while there is no answer. */
  readonly answer: T;
  readonly answered: boolean;
  /** The coordinator crashed before it answered. */
  readonly lost: boolean;
  /** The records of the turn that took the request. */
  readonly records: readonly Rec[];
}

export interface HarnessOptions {
  readonly config?: Partial<BrokerConfig>;
  readonly seed?: number;
}

const LEADER_EPOCH = 0;

/**
 * Runs the machine of one shard without the shard: turns run at once, their records are encoded,
 * decoded and applied, and only advance() moves the clock. A second answer to a request throws.
 */
export class CoordinatorHarness<State, Rec, Timer extends Keyed> {
  readonly time = new ManualTime();
  readonly #jumps = new ClockJumps(this.time);
  config: BrokerConfig;
  readonly machine: CoordinatorMachine<State, Rec, Timer>;
  /** Everything ever recorded, as a replay reads it. */
  readonly log: Rec[] = [];
  random: SeededRandom;
  image: MetadataImage = EMPTY_IMAGE;
  state: State;
  deadlines = new Deadlines<Timer>();
  onTurn: (records: readonly Rec[]) => void = () => {};
  #taken = 0;
  #pending = new Set<{ lost: boolean }>();

  constructor(
    machine: CoordinatorMachine<State, Rec, Timer>,
    { config = {}, seed = 1 }: HarnessOptions = {},
  ) {
    this.machine = machine;
    this.state = machine.initial();
    this.config = { ...new ConfigResolver(1, {}).broker(EMPTY_IMAGE), ...config };
    this.random = new SeededRandom(seed);
  }

  run<T>(operation: Operation<State, Rec, Timer, T>): Pending<T, Rec> {
    const pending = new PendingRequest<T, Rec>();
    this.#pending.add(pending);
    const reply = (answer: T) => {
      this.#pending.delete(pending);
      pending.take(answer);
    };
    pending.records = this.step((turn) => operation(turn, reply));
    return pending;
  }

  /** Runs a turn and its afterwards() turns, as a shard does. Returns their records. */
  step(operation: Operation<State, Rec, Timer>): readonly Rec[] {
    const turns = this.#take(operation);
    for (const turn of turns) turn.answer();
    const records = turns.flatMap((turn) => turn.records);
    this.onTurn(records);
    return records;
  }

  #take(operation: Operation<State, Rec, Timer>): Turn<State, Rec, Timer>[] {
    const { time, random } = this;
    const world = {
      env: { clock: time, timers: time, random },
      image: () => this.image,
      config: () => this.config,
      jumps: this.#jumps,
    };
    const log = { nextOffset: this.log.length };
    const turn = new Turn<State, Rec, Timer>(this.state, this.deadlines, world, LEADER_EPOCH, log);
    operation(turn, () => {});
    for (const record of turn.records) {
      this.log.push(this.#throughBytes(record));
      this.machine.apply(this.state, record);
    }
    return [turn, ...turn.next.flatMap((next) => this.#take(next))];
  }

  /** The records since the last call. */
  newRecords(): Rec[] {
    const records = this.log.slice(this.#taken);
    this.#taken = this.log.length;
    return records;
  }

  /** Moves the clock by `ms`; every deadline fires at its own time. Returns the new records. */
  advance(ms: number): Rec[] {
    const untilMs = this.time.monotonicMs() + ms;
    const recorded: (readonly Rec[])[] = [];
    for (;;) {
      const { nextMs } = this.deadlines;
      if (nextMs === undefined || nextMs > untilMs) break;
      this.time.advance(Math.max(0, nextMs - this.time.monotonicMs()));
      for (const timer of this.deadlines.takeDue(this.time.monotonicMs())) {
        recorded.push(this.step((turn) => this.machine.fired(turn, timer)));
      }
    }
    this.time.advance(untilMs - this.time.monotonicMs());
    return recorded.flat();
  }

  /** The state after a replay of `records`: of all by default. */
  replayed(records: readonly Rec[] = this.log): State {
    const state = this.machine.initial();
    for (const record of records) this.machine.apply(state, record);
    return state;
  }

  snapshot(state: State = this.state): Rec[] {
    return [...this.machine.snapshot(state)].flat().map((record) => this.#throughBytes(record));
  }

  /**
   * The log as compaction leaves it when it has worked on a part of it: of the records with one key
   * only the last one stays, and a tombstone may go.
   */
  compacted(end = this.log.length, areTombstonesKept = false): Rec[] {
    const encoded = this.log.map((record) => this.machine.encode(record));
    const keys = encoded.map(({ key }) => Buffer.from(key!).toString("latin1"));
    const last = new Map(keys.slice(0, end).map((key, i) => [key, i]));
    return this.log.filter((_, i) => {
      const isKept = last.get(keys[i]!) === i && (areTombstonesKept || encoded[i]!.value !== null);
      return i >= end || isKept;
    });
  }

  /** Runs the first turn after a load. Returns its records. */
  loaded(): readonly Rec[] {
    return this.step((turn) => this.machine.loaded(turn));
  }

  /** Loses all but the records, also the waiting requests, and loads. Returns the new records. */
  crash(): readonly Rec[] {
    for (const pending of this.#pending) pending.lost = true;
    this.#pending.clear();
    this.state = this.replayed();
    this.deadlines = new Deadlines();
    return this.loaded();
  }

  #throughBytes(record: Rec): Rec {
    const read = this.machine.decode(this.machine.encode(record));
    if (read === null) throw new Error(`${JSON.stringify(record)} can't be read again`);
    return read;
  }
}

class PendingRequest<T, Rec> implements Pending<T, Rec> {
  lost = false;
  records: readonly Rec[] = [];
  #answers: T[] = [];

  get answered(): boolean {
    return this.#answers.length > 0;
  }

  get answer(): T {
    if (!this.answered) throw new Error("not answered yet");
    return this.#answers[0]!;
  }

  take(answer: T): void {
    if (this.answered) throw new Error("answered twice");
    this.#answers.push(answer);
  }
}
