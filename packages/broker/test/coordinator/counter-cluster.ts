import { ErrorCode } from "@tarpan/protocol";
import type { BrokerConfig } from "../../src/config/kafka/typed.ts";
import { CoordinatorRuntime } from "../../src/coordinator/runtime.ts";
import type { Log } from "../../src/log/log.ts";
import { LogError } from "../../src/log/log-error.ts";
import { MemoryEngine } from "../../src/log/memory.ts";
import { silentLogger } from "../../src/logging/logger.ts";
import { deltaBetween, type MetadataDelta } from "../../src/metadata/delta.ts";
import { EMPTY_IMAGE, type MetadataImage, type TopicImage } from "../../src/metadata/image.ts";
import { Leadership } from "../../src/metadata/leadership.ts";
import type { Latch } from "../../src/util/latch.ts";
import { ManualTime } from "../env/manual-time.ts";
import { SeededRandom } from "../env/seeded-random.ts";
import { testEnv } from "../env/test-env.ts";
import {
  type CounterRecord,
  type CounterState,
  type CounterTimer,
  counterMachine,
} from "./counter.ts";

export const TOPIC = "__counters";
const OPTIONS = { segmentBytes: 1 << 30, segmentMs: 1 << 30, indexIntervalBytes: 4096 };

/** What the brokers share: the logs, and the metadata, which each reads in readMetadata(). */
export class CounterCluster {
  readonly time = new ManualTime();
  readonly logs: Log[] = [];
  image = EMPTY_IMAGE;
  /** By partition: the highest leader epoch that opened its log; lower ones are fenced. */
  readonly #fences: number[] = [];

  /** Partition `index` of the topic is led by `leaders[index]`. */
  static async of(leaders: readonly number[]): Promise<CounterCluster> {
    const cluster = new CounterCluster();
    const engine = new MemoryEngine(testEnv());
    for (const partition of leaders.keys()) {
      const log = await engine.create({ topic: TOPIC, topicId: "counters", partition }, OPTIONS);
      const append = log.append.bind(log);
      log.append = (batch, epoch) =>
        epoch < cluster.#fences[partition]!
          ? Promise.reject(new LogError("fenced", "another broker writes this log"))
          : append(batch, epoch);
      cluster.logs.push(log);
      cluster.#fences.push(0);
    }
    cluster.setLeaders(leaders);
    return cluster;
  }

  /** A partition whose leader changes gets its next leader epoch. No broker has read it yet. */
  setLeaders(leaders: readonly number[]): void {
    const before = this.image.topics.get(TOPIC)?.partitions ?? [];
    this.setTopic({
      name: TOPIC,
      id: "counters",
      partitions: leaders.map((leader, index) => {
        const { leader: former, leaderEpoch } = before[index] ?? { leader, leaderEpoch: 0 };
        const epoch = leaderEpoch + Number(former !== leader);
        return { ...PARTITION, leader, leaderEpoch: epoch };
      }),
    });
  }

  setTopic(topic: TopicImage): void {
    const { topics, topicsById } = this.image;
    this.image = {
      ...this.image,
      topics: topics.with(new Map([[topic.name, topic]])),
      topicsById: topicsById.with(new Map([[topic.id, topic]])),
    };
  }

  removeTopic(name: string): void {
    const { topics, topicsById } = this.image;
    const { id } = topics.get(name)!;
    this.image = {
      ...this.image,
      topics: topics.with(new Map([[name, undefined]])),
      topicsById: topicsById.with(new Map([[id, undefined]])),
    };
  }

  open(index: number, leaderEpoch: number): { log: Log; leaderEpoch: number } {
    this.#fences[index] = Math.max(this.#fences[index]!, leaderEpoch);
    return { log: this.logs[index]!, leaderEpoch };
  }
}

const PARTITION = { replicas: [1, 2], isr: [1, 2], adding: [], removing: [], partitionEpoch: 0 };

type Listener = (delta: MetadataDelta, image: MetadataImage) => void;

export class CounterBroker {
  readonly runtime: CoordinatorRuntime<CounterState, CounterRecord, CounterTimer>;
  /** Set while the broker opens its partitions. */
  opening: Latch | null = null;
  isolated = false;
  readonly #cluster: CounterCluster;
  readonly #nodeId: number;
  readonly #listeners: Listener[] = [];
  readonly #led = new Map<number, { log: Log; leaderEpoch: number }>();
  #image: MetadataImage = EMPTY_IMAGE;

  constructor(cluster: CounterCluster, nodeId: number) {
    this.#cluster = cluster;
    this.#nodeId = nodeId;
    const broker = this;
    const { time } = cluster;
    this.runtime = new CoordinatorRuntime(
      {
        env: { clock: time, timers: time, random: new SeededRandom(nodeId) },
        metadata: {
          nodeId,
          get image() {
            return broker.#image;
          },
          leadership: new Leadership(
            nodeId,
            () => broker.#image,
            () => broker.isolated,
          ),
          unseen: () => null,
          brokerConfig: () => ({}) as BrokerConfig,
          onChange(listener) {
            broker.#listeners.push(listener);
            return () => {};
          },
        },
        partitions: {
          find: (_topic, index) => broker.#find(index),
          takeOver: () => broker.opening,
        },
        logger: silentLogger,
      },
      {
        name: "the counter coordinator",
        topic: TOPIC,
        createTopic: async () => {
          cluster.setLeaders([nodeId]);
          broker.readMetadata();
          return ErrorCode.NONE;
        },
        machine: counterMachine,
      },
    );
  }

  #find(index: number): { log: Log; leaderEpoch: number } | number {
    return this.#led.get(index) ?? ErrorCode.NOT_LEADER_OR_FOLLOWER;
  }

  /** Reads the cluster's metadata. */
  readMetadata(): this {
    const previous = this.#image;
    this.#image = this.#cluster.image;
    if (this.opening === null) this.open();
    const delta = deltaBetween(previous, this.#image);
    for (const listener of this.#listeners) listener(delta, this.#image);
    return this;
  }

  /** Opens the logs that the broker leads in this leader epoch, and forgets the others. */
  open(): void {
    const { partitions } = this.#image.topics.get(TOPIC)!;
    for (const [index, { leader, leaderEpoch }] of partitions.entries()) {
      if (leader !== this.#nodeId) this.#led.delete(index);
      else if (this.#led.get(index)?.leaderEpoch !== leaderEpoch) {
        this.#led.set(index, this.#cluster.open(index, leaderEpoch));
      }
    }
  }
}
