import type { GroupRecord } from "@tarpan/protocol";
import type { BrokerConfig } from "../../src/config/kafka/typed.ts";
import { GroupLog } from "../../src/groups/group-log.ts";
import { groupMachine } from "../../src/groups/machine.ts";
import type { GroupState } from "../../src/groups/model/state.ts";
import type { GroupTimer } from "../../src/groups/model/timers.ts";
import { type Logger, silentLogger } from "../../src/logging/logger.ts";
import { EMPTY_IMAGE, type MetadataImage, type TopicImage } from "../../src/metadata/image.ts";
import { CoordinatorHarness, type HarnessOptions, type Pending } from "../coordinator/harness.ts";

export interface GroupHarnessOptions extends HarnessOptions {
  readonly logger?: Logger;
}

export type PendingGroup<T> = Pending<T, GroupRecord>;

/** Runs the coordinator of some groups turn by turn, on a manual clock. */
export class GroupHarness extends CoordinatorHarness<GroupState, GroupRecord, GroupTimer> {
  constructor(
    config: Partial<BrokerConfig> = {},
    { logger = silentLogger, ...options }: GroupHarnessOptions = {},
  ) {
    super(groupMachine(new GroupLog(logger)), { config, ...options });
  }

  /** Creates, grows or (0 partitions) deletes topics, and runs topicsChanged(). */
  setTopics(partitions: Readonly<Record<string, number>>): readonly GroupRecord[] {
    const topics = Object.entries(partitions).map(
      ([name, count]) => [name, count === 0 ? undefined : topicOf(name, count)] as const,
    );
    const { image } = this;
    this.image = {
      ...image,
      topics: image.topics.with(new Map(topics)),
      topicsById: image.topicsById.with(
        new Map(topics.map(([name, topic]) => [topicId(name), topic])),
      ),
    };
    return this.topicsChanged(topics.map(([name]) => name));
  }

  /** Runs the machine's turn for changed topics; those that no longer exist count as deleted. */
  topicsChanged(names: readonly string[]): readonly GroupRecord[] {
    const { topics } = this.image;
    const deleted = names.filter((name) => !topics.has(name));
    const changed = names.filter((name) => topics.has(name));
    return this.step((turn) => this.machine.topicsChanged(turn, { deleted, changed }));
  }
}

export function topicId(name: string, incarnation = 0): string {
  const hex = Buffer.from(name).toString("hex").padStart(12, "0");
  return `00000000-0000-4000-800${incarnation}-${hex}`;
}

export function topicOf(name: string, count: number, id = topicId(name)): TopicImage {
  return { name, id, partitions: Array.from({ length: count }, () => PARTITION) };
}

export function imageOf(topics: readonly TopicImage[]): MetadataImage {
  return {
    ...EMPTY_IMAGE,
    topics: EMPTY_IMAGE.topics.with(new Map(topics.map((topic) => [topic.name, topic]))),
    topicsById: EMPTY_IMAGE.topicsById.with(new Map(topics.map((topic) => [topic.id, topic]))),
  };
}

const PARTITION = {
  replicas: [1],
  isr: [1],
  adding: [],
  removing: [],
  leader: 1,
  leaderEpoch: 0,
  partitionEpoch: 0,
};
