import { ErrorCode } from "@tarpan/protocol";
import type { Timer as Alarm } from "../env/env.ts";
import type { Partition } from "../partition/partition.ts";
import { ReplayedState } from "../state-machine/replayed-state.ts";
import { KafkaError } from "../util/kafka-error.ts";
import { nextTurnOf } from "../util/next-turn.ts";
import { Deadlines, type Keyed } from "./deadlines.ts";
import { AWAKE_MS, PAUSED_MS } from "./limits.ts";
import type { CoordinatorMachine } from "./machine.ts";
import { type Operation, type Reply, Turn, type World } from "./turn.ts";

/**
 * A coordinator's share: one partition of its topic.
 *
 * Invariants:
 * 1. Turns run one after another, each without an await. Their records are appended in that order,
 *    those of several turns as one batch.
 * 2. A reply is sent after the append of everything its turn could have seen.
 * 3. State is changed in place, so a failed append, or an operation that throws, ends the shard:
 *    every waiting request is refused, and the runtime loads the partition anew.
 * 4. Every request is answered or refused, once.
 */
export class CoordinatorShard<State, Rec, Timer extends Keyed> {
  readonly #machine: CoordinatorMachine<State, Rec, Timer>;
  readonly #world: World;
  readonly #leaderEpoch: number;
  readonly #replayed: ReplayedState<State, Rec>;
  readonly #deadlines = new Deadlines<Timer>();
  readonly #unanswered = new Set<(error: KafkaError) => void>();
  #alarm: Alarm | null = null;
  #alarmMs = Number.POSITIVE_INFINITY;
  /** After a pause of the process: no deadline fires before. */
  #heldUntilMs = 0;
  #closed: KafkaError | null = null;

  private constructor(
    machine: CoordinatorMachine<State, Rec, Timer>,
    world: World,
    leaderEpoch: number,
    replayed: ReplayedState<State, Rec>,
  ) {
    this.#machine = machine;
    this.#world = world;
    this.#leaderEpoch = leaderEpoch;
    this.#replayed = replayed;
  }

  /** Replays the partition and arms its deadlines. Rejects with the log's error. */
  static async load<State, Rec, Timer extends Keyed>(
    partition: Pick<Partition, "log" | "leaderEpoch">,
    machine: CoordinatorMachine<State, Rec, Timer>,
    world: World,
  ): Promise<CoordinatorShard<State, Rec, Timer>> {
    const replayed = await ReplayedState.load(
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
    const shard = new CoordinatorShard(machine, world, partition.leaderEpoch, replayed);
    await shard.step((turn) => machine.loaded(turn));
    return shard;
  }

  /** Whether the shard is closed or an append failed: it has to be loaded anew. */
  get failed(): boolean {
    return this.#closed !== null || this.#replayed.failure !== null;
  }

  /** Rejects with KafkaError when the shard fails or is closed before it has answered. */
  run<T>(operation: Operation<State, Rec, Timer, T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#unanswered.add(reject);
      void this.#takeTurn(operation, (answer) => {
        this.#unanswered.delete(reject);
        resolve(answer);
      });
    });
  }

  /**
   * A turn without a request. Resolves when its records are durable and its replies are sent, or
   * when the shard has failed.
   */
  step(operation: Operation<State, Rec, Timer>): Promise<void> {
    return this.#takeTurn(operation, noReply);
  }

  /** Refuses every waiting request. Leaves the partition open: the shard does not own it. */
  close(errorCode: number, cause?: unknown): void {
    this.#alarm?.cancel();
    this.#alarm = null;
    const why = cause instanceof Error ? cause.message : "the coordinator has closed";
    this.#closed ??= new KafkaError(errorCode, why, { cause });
    this.#refuseAll(this.#closed);
  }

  #refuseAll(error: KafkaError): void {
    const waiting = [...this.#unanswered];
    this.#unanswered.clear();
    for (const refuse of waiting) refuse(error);
  }

  #takeTurn<T>(operation: Operation<State, Rec, Timer, T>, reply: Reply<T>): Promise<void> {
    if (this.#closed !== null) {
      this.#refuseAll(this.#closed);
      return DONE;
    }
    let turn: Turn<State, Rec, Timer>;
    try {
      const log = this.#replayed;
      turn = new Turn(log.state, this.#deadlines, this.#world, this.#leaderEpoch, log);
      operation(turn, reply);
    } catch (error) {
      this.#world.reportBug(error);
      this.#fail(error);
      return DONE;
    }
    const { records } = turn;
    const appending = this.#replayed.decide(() => ({ records, response: turn }));
    for (const next of turn.next) void this.step(next);
    this.#setAlarm();
    return appending.then(sendReplies, this.#fail);
  }

  readonly #fail = (error: unknown): void => {
    if (this.#closed === null) this.#world.onFailure();
    this.close(ErrorCode.NOT_COORDINATOR, error);
  };

  #setAlarm(): void {
    const dueMs = this.#deadlines.nextMs ?? Number.POSITIVE_INFINITY;
    const nextMs = Math.max(dueMs, this.#heldUntilMs);
    if (this.#closed !== null || nextMs >= this.#alarmMs) return;
    this.#alarm?.cancel();
    this.#alarmMs = nextMs;
    const armedMs = this.#world.env.clock.monotonicMs();
    const delayMs = Math.max(0, nextMs - armedMs);
    this.#alarm = this.#world.env.timers.after(delayMs, () => {
      this.#alarmMs = Number.POSITIVE_INFINITY;
      const nowMs = this.#world.env.clock.monotonicMs();
      // Not twice in a row, so that deadlines fire in a process that is always late.
      const wasHeld = nextMs === this.#heldUntilMs;
      if (!wasHeld && nowMs - Math.max(nextMs, armedMs) > PAUSED_MS) {
        this.#heldUntilMs = nowMs + AWAKE_MS;
        this.#setAlarm();
        return;
      }
      // A turn for each timer: the records of one are applied before the next one decides.
      for (const timer of this.#deadlines.takeDue(nowMs)) {
        void this.step((turn) => this.#machine.fired(turn, timer));
      }
      this.#setAlarm();
    });
  }
}

const DONE: Promise<void> = Promise.resolve();
const noReply = () => {};
const sendReplies = (turn: { answer(): void }) => turn.answer();
