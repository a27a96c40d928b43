import { type RuntimeParts, ShardRuntime } from "../coordinator/shard-runtime.ts";
import type { Env } from "../env/env.ts";
import type { Metadata } from "../metadata/metadata.ts";
import type { HeldPartition } from "./held-log.ts";
import { HeldShard } from "./held-shard.ts";
import type { HeldRules } from "./rules.ts";
import type { Deliver } from "./sender.ts";
import { topicCreator } from "./topic-creator.ts";
import type { HeldFilter, HeldMessage } from "./waiting-list.ts";

export interface HeldParts extends RuntimeParts<HeldPartition> {
  readonly env: Pick<Env, "clock" | "timers" | "random">;
  readonly metadata: Metadata;
  readonly deliver: Deliver;
}

/** One kind of messages that are held. */
interface HeldKind {
  /** For messages: "the coordinator of delayed messages". */
  readonly name: string;
  readonly topic: string;
  readonly rules: HeldRules;
}

/** A shard for each partition of a topic of held messages that this broker leads. */
export class HeldRuntime extends ShardRuntime<HeldShard, HeldPartition> {
  constructor({ deliver, ...parts }: HeldParts, { name, topic, rules }: HeldKind) {
    const { metadata, logger } = parts;
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
          ...{ partition, rules, world, logger, deliver },
          topicConfig: (target) => metadata.topicConfig(target),
          newProducerId: () => metadata.nextProducerId(),
          createTopic,
        }),
      topicsChanged() {},
    });
  }

  /** Of the partitions that this broker leads. Rejects with KafkaError. */
  async list(filter: HeldFilter): Promise<HeldMessage[]> {
    const lists = await this.onAll((shard) => shard.list(filter));
    return lists.flat();
  }

  /** See HeldShard.change: in all partitions that this broker leads. */
  async change(kind: "cancelled" | "hurried", id: Uint8Array): Promise<boolean> {
    const changes = await this.onAll((shard) => shard.change(kind, id));
    return changes.includes(true);
  }
}
