import type { BrokerConfig } from "../config/kafka/typed.ts";
import { type RuntimeParts, ShardRuntime } from "../coordinator/shard-runtime.ts";
import type { Env } from "../env/env.ts";
import type { Metadata } from "../metadata/metadata.ts";
import type { Partition } from "../partition/partition.ts";
import { HeldCounts } from "./counts.ts";
import type { HeldPartition } from "./held-log.ts";
import { type Change, HeldShard } from "./held-shard.ts";
import type { HeldRules, MessageName } from "./rules.ts";
import type { Deliver } from "./sender.ts";
import { topicCreator } from "./topic-creator.ts";
import type { HeldFilter, HeldMessage } from "./waiting-list.ts";

type LedPartition = HeldPartition & Pick<Partition, "id">;

export interface HeldParts extends RuntimeParts<LedPartition> {
  readonly env: Pick<Env, "clock" | "timers" | "random">;
  readonly metadata: Metadata;
  readonly deliver: Deliver;
}

/** One kind of messages that are held. */
interface HeldKind {
  /** For messages: "the coordinator of delayed messages". */
  readonly name: string;
  readonly topic: string;
  readonly rulesOf: (context: RulesContext) => HeldRules;
}

/** What the rules of one partition may depend on. */
export interface RulesContext {
  /** Of the topic whose messages are held. */
  readonly partition: number;
  /** Now. */
  readonly config: () => BrokerConfig;
}

/** A shard for each partition of a topic of held messages that this broker leads. */
export class HeldRuntime extends ShardRuntime<HeldShard, LedPartition> {
  readonly topic: string;
  readonly counts: HeldCounts;

  constructor({ deliver, ...parts }: HeldParts, { name, topic, rulesOf }: HeldKind) {
    const { metadata, logger } = parts;
    const counts = new HeldCounts();
    const createTopic = topicCreator(parts);
    super(parts, {
      name,
      topic,
      createTopic: async () => {
        const { errorCode } = await metadata.controller.createHeldTopic({ name: topic });
        return errorCode;
      },
      load: (partition, world) =>
        HeldShard.load({
          name: `${topic}-${partition.id.partition}`,
          rules: rulesOf({ partition: partition.id.partition, config: world.config }),
          ...{ partition, counts, world, logger, deliver },
          topicConfig: (target) => metadata.topicConfig(target),
          newProducerId: () => metadata.nextProducerId(),
          createTopic,
        }),
      topicsChanged() {},
    });
    this.topic = topic;
    this.counts = counts;
  }

  /** In the partitions that this broker leads, as far as they are loaded. */
  get waitingCount(): number {
    return this.loaded.reduce((sum, shard) => sum + shard.waitingCount, 0);
  }

  /** Of the partitions that this broker leads. Rejects with KafkaError. */
  async list(filter: HeldFilter): Promise<HeldMessage[]> {
    const lists = await this.onAll((shard) => shard.list(filter));
    return lists.flat();
  }

  /** See HeldShard.change: in all partitions that this broker leads. */
  async change(kind: Change, name: MessageName): Promise<boolean> {
    const changes = await this.onAll((shard) => shard.change(kind, name));
    return changes.includes(true);
  }
}
