import type { Keyed } from "./deadlines.ts";
import type { CoordinatorMachine } from "./machine.ts";
import { CoordinatorShard } from "./shard.ts";
import { type RuntimeParts, ShardRuntime, type Tenant } from "./shard-runtime.ts";
import type { Operation } from "./turn.ts";

/** A kind of coordinator whose shards are state machines. */
export interface MachineTenant<State, Rec, Timer extends Keyed>
  extends Pick<Tenant<CoordinatorShard<State, Rec, Timer>>, "name" | "topic" | "createTopic"> {
  readonly machine: CoordinatorMachine<State, Rec, Timer>;
}

/** All coordinators of one kind on this broker whose shards are state machines. */
export class CoordinatorRuntime<State, Rec, Timer extends Keyed> extends ShardRuntime<
  CoordinatorShard<State, Rec, Timer>
> {
  constructor(parts: RuntimeParts, { machine, ...tenant }: MachineTenant<State, Rec, Timer>) {
    super(parts, {
      ...tenant,
      load: (partition, world) => CoordinatorShard.load(partition, machine, world),
      topicsChanged(shard, change) {
        void shard.step((turn) => machine.topicsChanged(turn, change));
      },
    });
  }

  /** Runs an operation on the shard of `key`; see `on`. Rejects with KafkaError. */
  run<T>(key: string, operation: Operation<State, Rec, Timer, T>): Promise<T> {
    return this.on(key, (shard) => shard.run(operation));
  }

  /** The same on the shard of one partition of the topic, for requests that name no key. */
  runOnPartition<T>(index: number, operation: Operation<State, Rec, Timer, T>): Promise<T> {
    return this.on(index, (shard) => shard.run(operation));
  }

  /** For requests that gain nothing by waiting: rejects while the shard is being loaded. */
  runIfLoaded<T>(key: string, operation: Operation<State, Rec, Timer, T>): Promise<T> {
    return this.onLoaded(key, (shard) => shard.run(operation));
  }

  /** Runs an operation on every shard, for requests about all keys. Rejects if one isn't loaded. */
  runOnAll<T>(operation: Operation<State, Rec, Timer, T>): Promise<T[]> {
    return this.onAll((shard) => shard.run(operation));
  }
}
