import { ErrorCode } from "@tarpan/protocol";
import type { Timer as Alarm } from "../env/env.ts";
import type { Partition } from "../partition/partition.ts";
import { Replayed } from "../state-machine/replayed.ts";
import { nextTurnOf } from "../util/next-turn.ts";
import { CoordinatorError } from "./coordinator-error.ts";
import { Deadlines, type Keyed } from "./deadlines.ts";
import type { CoordinatorMachine } from "./machine.ts";
import { type Operation, type Reply, Turn, type World } from "./turn.ts";

/**
 * The coordinator of what one partition of its topic holds.
 *
 * Invariants:
 * 1. Turns run one after another, each at once and whole; what they decided is appended in that
 *    order, several turns at a time.
 * 2. Replies leave after the append of everything their turn could have seen.
 * 3. State is changed in place, so when an append fails the shard is finished: everything that
 *    waits is refused, and the runtime loads the partition anew.
 * 4. Every request that was taken is answered or refused, once.
 */
export class CoordinatorShard<State, Rec, Timer extends Keyed> {
  readonly #machine: CoordinatorMachine<State, Rec, Timer>;
  readonly #world: World;
  readonly #replayed: Replayed<State, Rec>;
  readonly #deadlines = new Deadlines<Timer>();
  readonly #unanswered = new Set<(error: CoordinatorError) => void>();
  #alarm: Alarm | null = null;
  #alarmMs = Number.POSITIVE_INFINITY;
  #closed: CoordinatorError | null = null;

  private constructor(
    machine: CoordinatorMachine<State, Rec, Timer>,
    world: World,
    replayed: Replayed<State, Rec>,
  ) {
    this.#machine = machine;
    this.#world = world;
    this.#replayed = replayed;
  }

  /** Replays the partition and arms its deadlines. Rejects with the log's error. */
  static async load<State, Rec, Timer extends Keyed>(
    partition: Pick<Partition, "log" | "leaderEpoch">,
    machine: CoordinatorMachine<State, Rec, Timer>,
    world: World,
  ): Promise<CoordinatorShard<State, Rec, Timer>> {
    const replayed = await Replayed.load(
      {
        initial: machine.initial(),
        changesInPlace: true,
        apply(state: State, records: readonly Rec[]) {
          for (const record of records) machine.apply(state, record);
          return state;
        },
        snapshot: (state) => machine.snapshot(state),
        encode: (record) => machine.encode(record),
        decode: (record) => machine.decode(record),
      },
      {
        log: partition.log,
        leaderEpoch: partition.leaderEpoch,
        wallMs: () => world.env.clock.wallMs(),
        nextTurn: nextTurnOf(world.env.timers),
      },
    );
    const shard = new CoordinatorShard(machine, world, replayed);
    await shard.step((turn) => machine.loaded(turn));
    return shard;
  }

  /** Set once the shard can't go on and has to be loaded anew. */
  get failed(): boolean {
    return this.#closed !== null || this.#replayed.failure !== null;
  }

  /** Rejects with CoordinatorError when the shard fails or is closed before there is an answer. */
  run<T>(operation: Operation<State, Rec, Timer, T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#unanswered.add(reject);
      void this.#take(operation, (answer) => {
        this.#unanswered.delete(reject);
        resolve(answer);
      });
    });
  }

  /**
   * A turn that nobody waits for. Resolves when what it decided is durable and its replies are out,
   * or the shard failed.
   */
  step(operation: Operation<State, Rec, Timer>): Promise<void> {
    return this.#take(operation, toNobody);
  }

  /** Refuses everything that waits. The partition stays open: it is its owner's. */
  close(errorCode: number, cause?: unknown): void {
    this.#alarm?.cancel();
    this.#alarm = null;
    const why = cause instanceof Error ? cause.message : "the coordinator has closed";
    this.#closed ??= new CoordinatorError(errorCode, why, { cause });
    this.#refuseAll(this.#closed);
  }

  #refuseAll(error: CoordinatorError): void {
    const waiting = [...this.#unanswered];
    this.#unanswered.clear();
    for (const refuse of waiting) refuse(error);
  }

  #take<T>(operation: Operation<State, Rec, Timer, T>, reply: Reply<T>): Promise<void> {
    if (this.#closed !== null) {
      this.#refuseAll(this.#closed);
      return OVER;
    }
    let turn: Turn<State, Rec, Timer>;
    try {
      turn = new Turn(this.#replayed.state, this.#deadlines, this.#world);
      operation(turn, reply);
    } catch (error) {
      this.#fail(error);
      return OVER;
    }
    const { records } = turn;
    const appending = this.#replayed.decide(() => ({ records, response: turn }));
    for (const next of turn.next) void this.step(next);
    this.#setAlarm();
    return appending.then(answer, this.#fail);
  }

  readonly #fail = (error: unknown): void => this.close(ErrorCode.NOT_COORDINATOR, error);

  #setAlarm(): void {
    const nextMs = this.#deadlines.nextMs ?? Number.POSITIVE_INFINITY;
    if (this.#closed !== null || nextMs >= this.#alarmMs) return;
    this.#alarm?.cancel();
    this.#alarmMs = nextMs;
    const delayMs = Math.max(0, nextMs - this.#world.env.clock.monotonicMs());
    this.#alarm = this.#world.env.timers.after(delayMs, () => {
      this.#alarmMs = Number.POSITIVE_INFINITY;
      const nowMs = this.#world.env.clock.monotonicMs();
      // Each in a turn of its own: what one decides is applied before the next one looks.
      for (const timer of this.#deadlines.takeDue(nowMs)) {
        void this.step((turn) => this.#machine.fired(turn, timer));
      }
      this.#setAlarm();
    });
  }
}

const OVER: Promise<void> = Promise.resolve();
const toNobody = () => {};
const answer = (turn: { answer(): void }) => turn.answer();
