import {
  decodeGroupRecord,
  ErrorCode,
  encodeGroupRecord,
  type GroupRecord,
} from "@tarpan/protocol";
import type { BrokerConfig } from "../config/kafka/typed.ts";
import { CoordinatorError } from "../coordinator/coordinator-error.ts";
import type { Env, Timer } from "../env/env.ts";
import type { MetadataImage } from "../metadata/image.ts";
import type { Partition } from "../partition/partition.ts";
import { Replayed } from "../state-machine/replayed.ts";
import type { StateMachine } from "../state-machine/state-machine.ts";
import type { GroupLog } from "./group-log.ts";
import { applyGroupRecord, GroupState, groupsLoaded, snapshotGroups } from "./machine.ts";
import { Effects, type GroupContext, type Operation, type Step } from "./operation.ts";

export interface ShardWorld {
  readonly env: Pick<Env, "clock" | "timers" | "random">;
  readonly image: () => MetadataImage;
  readonly config: () => BrokerConfig;
  readonly log: GroupLog;
}

/**
 * The coordinator of the groups of one partition of `__consumer_offsets`.
 *
 * Invariants:
 * 1. Steps run one after another, each at once and whole; what they decided is appended in that
 *    order, several steps at a time.
 * 2. Replies leave after the append of everything their step could have seen.
 * 3. State is changed in place, so when an append fails the shard is finished: everything that
 *    waits is refused, and the coordinator loads the partition anew.
 * 4. Every request that was taken is answered or refused, once.
 */
export class GroupShard {
  readonly #world: ShardWorld;
  readonly #replayed: Replayed<GroupState, GroupRecord>;
  readonly #unanswered = new Set<(error: CoordinatorError) => void>();
  #alarm: Timer | null = null;
  #alarmMs = Number.POSITIVE_INFINITY;
  #closed: CoordinatorError | null = null;

  private constructor(world: ShardWorld, replayed: Replayed<GroupState, GroupRecord>) {
    this.#world = world;
    this.#replayed = replayed;
  }

  /** Replays the partition and arms its deadlines. Rejects with the log's error. */
  static async load(partition: Partition, world: ShardWorld): Promise<GroupShard> {
    const replayed = await Replayed.load(groupMachine(), {
      log: partition.log,
      leaderEpoch: partition.leaderEpoch,
      wallMs: () => world.env.clock.wallMs(),
    });
    const shard = new GroupShard(world, replayed);
    await shard.step(groupsLoaded);
    return shard;
  }

  /** Set once the shard can't go on and has to be loaded anew. */
  get failed(): boolean {
    return this.#closed !== null || this.#replayed.failure !== null;
  }

  /** Rejects with CoordinatorError when the shard fails or is closed before there is an answer. */
  run<T>(operation: Operation<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#unanswered.add(reject);
      const reply = (answer: T) => {
        this.#unanswered.delete(reject);
        resolve(answer);
      };
      void this.step((state, context, effects) => operation(state, context, effects, reply));
    });
  }

  /**
   * Resolves when what the step decided is durable and its replies are out, or the shard failed.
   */
  async step(step: Step): Promise<void> {
    if (this.#closed !== null) return this.#refuseAll(this.#closed);
    try {
      const deciding = this.#replayed.decide((state) => {
        const decided = new Effects();
        step(state, this.#context(), decided);
        return { records: decided.records, response: decided };
      });
      this.#setAlarm();
      const effects = await deciding;
      for (const reply of effects.replies) reply();
    } catch (error) {
      this.close(ErrorCode.NOT_COORDINATOR, error);
    }
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

  #context(): GroupContext {
    const { env, image, config, log } = this.#world;
    return {
      nowMs: env.clock.monotonicMs(),
      wallMs: env.clock.wallMs(),
      image: image(),
      config: config(),
      random: env.random,
      log,
    };
  }

  #setAlarm(): void {
    const nextMs = this.#replayed.state.deadlines.nextMs ?? Number.POSITIVE_INFINITY;
    if (this.#closed !== null || nextMs >= this.#alarmMs) return;
    this.#alarm?.cancel();
    this.#alarmMs = nextMs;
    const delayMs = Math.max(0, nextMs - this.#world.env.clock.monotonicMs());
    this.#alarm = this.#world.env.timers.after(delayMs, () => {
      this.#alarmMs = Number.POSITIVE_INFINITY;
      const { deadlines } = this.#replayed.state;
      const nowMs = this.#world.env.clock.monotonicMs();
      // Each a step of its own: what one decides is applied before the next one looks.
      for (const due of deadlines.takeDue(nowMs)) void this.step(due);
      this.#setAlarm();
    });
  }
}

function groupMachine(): StateMachine<GroupState, GroupRecord> {
  return {
    initial: new GroupState(),
    changesInPlace: true,
    apply(state, records) {
      for (const record of records) applyGroupRecord(state, record);
      return state;
    },
    snapshot: snapshotGroups,
    encode: encodeGroupRecord,
    decode: ({ key, value }) => (key === null ? null : decodeGroupRecord(key, value)),
  };
}
