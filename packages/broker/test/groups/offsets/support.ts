import {
  decodeGroupRecord,
  encodeGroupRecord,
  type GroupRecord,
  type OffsetCommit,
  type RequestOf,
  ZERO_UUID,
} from "@tarpan/protocol";
import type { BrokerConfig } from "../../../src/config/kafka/typed.ts";
import { GroupLog } from "../../../src/groups/group-log.ts";
import {
  applyGroupRecord,
  type Group,
  GroupState,
  groupsLoaded,
} from "../../../src/groups/machine.ts";
import type { GroupLike } from "../../../src/groups/model/group.ts";
import { commitOffsets } from "../../../src/groups/offsets.ts";
import { Effects, type Operation, type Step } from "../../../src/groups/operation.ts";
import { silentLogger } from "../../../src/logging/logger.ts";
import { EMPTY_IMAGE, type MetadataImage } from "../../../src/metadata/image.ts";
import { ManualTime } from "../../env/manual-time.ts";
import { SeededRandom } from "../../env/seeded-random.ts";

export const CHECK_MS = 600_000;
export const RETENTION_MS = 7 * 86_400_000;

/** The last version of OffsetCommit that has topic names. */
const BY_NAME = 9;

type CommitRequest = RequestOf<typeof OffsetCommit>;

export function topicId(name: string, incarnation = 0): string {
  return `00000000-0000-0000-000${incarnation}-0000000000${Buffer.from(name).toString("hex")}`;
}

/** A metadata image that has these topics, with 100 partitions each. */
export function imageOf(topics: Readonly<Record<string, string>>): MetadataImage {
  const images = Object.entries(topics).map(([name, id]) => ({
    name,
    id,
    partitions: Array.from({ length: 100 }, () => PARTITION),
  }));
  return {
    ...EMPTY_IMAGE,
    topics: EMPTY_IMAGE.topics.with(new Map(images.map((topic) => [topic.name, topic]))),
    topicsById: EMPTY_IMAGE.topicsById.with(new Map(images.map((topic) => [topic.id, topic]))),
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

/** The coordinator of some groups, run step by step. */
export class OffsetWorld {
  readonly time = new ManualTime();
  readonly log: GroupRecord[] = [];
  onStep: (records: readonly GroupRecord[]) => void = () => {};
  state = new GroupState();
  image = imageOf({ t: topicId("t"), u: topicId("u"), v: topicId("v") });

  constructor() {
    this.step(groupsLoaded);
  }

  /** Runs a step as a shard does and returns what it recorded. */
  step(step: Step): GroupRecord[] {
    const effects = new Effects();
    const context = {
      nowMs: this.time.monotonicMs(),
      wallMs: this.time.wallMs(),
      image: this.image,
      config: {
        offsetMetadataMaxBytes: 4096,
        offsetsRetentionMs: RETENTION_MS,
        offsetsRetentionCheckIntervalMs: CHECK_MS,
      } as BrokerConfig,
      random: new SeededRandom(1),
      log: new GroupLog(silentLogger),
    };
    step(this.state, context, effects);
    for (const record of effects.records) applyGroupRecord(this.state, record);
    for (const reply of effects.replies) reply();
    for (const record of effects.records) this.log.push(record);
    this.onStep(effects.records);
    return effects.records;
  }

  run<T>(operation: Operation<T>): { answer: T; records: GroupRecord[] } {
    const answers: T[] = [];
    const records = this.step((state, context, effects) =>
      operation(state, context, effects, (answer) => answers.push(answer)),
    );
    if (answers.length !== 1) throw new Error(`${answers.length} answers`);
    return { answer: answers[0]!, records };
  }

  /** Lets time pass, with the deadlines of the shard. */
  advance(ms: number): GroupRecord[] {
    const untilMs = this.time.monotonicMs() + ms;
    const recorded: GroupRecord[] = [];
    for (;;) {
      const { nextMs } = this.state.deadlines;
      if (nextMs === undefined || nextMs > untilMs) break;
      this.time.advance(Math.max(0, nextMs - this.time.monotonicMs()));
      for (const due of this.state.deadlines.takeDue(this.time.monotonicMs())) {
        for (const record of this.step(due)) recorded.push(record);
      }
    }
    this.time.advance(untilMs - this.time.monotonicMs());
    return recorded;
  }

  /** What a broker that reads the log would have. */
  replayed(): GroupState {
    const state = new GroupState();
    for (const record of this.log) {
      const { key, value } = encodeGroupRecord(record);
      applyGroupRecord(state, decodeGroupRecord(key, value)!);
    }
    return state;
  }

  /** Commits without a group, as an assigned consumer does, unless `fields` say otherwise. */
  commit(
    groupId: string,
    topic: string,
    partitionIndex: number,
    committedOffset: number,
    fields: Partial<CommitRequest> = {},
  ) {
    const partition = {
      partitionIndex,
      committedOffset,
      committedLeaderEpoch: -1,
      committedMetadata: null,
    };
    const request: CommitRequest = {
      groupId,
      generationIdOrMemberEpoch: -1,
      memberId: "",
      groupInstanceId: null,
      retentionTimeMs: -1n,
      topics: [{ name: topic, topicId: ZERO_UUID, partitions: [partition] }],
      ...fields,
    };
    return this.run(commitOffsets(request, BY_NAME));
  }

  /** Puts a group there that has what offsets need of one. */
  addGroup(group: Partial<GroupLike> & { groupId: string }): void {
    this.state.groups.set(group.groupId, { ...EMPTY_CONSUMERS, ...group } as unknown as Group);
  }
}

const EMPTY_CONSUMERS: Omit<GroupLike, "groupId"> = {
  kind: "classic",
  stateName: "Empty",
  protocolType: "consumer",
  emptySinceMs: 0,
  judgeOffsetCommit: () => 0,
  judgeOffsetFetch: () => 0,
  judgeDelete: () => 0,
  isSubscribedTo: () => false,
  tombstones: () => [],
};

export function tombstone(group: string, topic: string, partition: number): GroupRecord {
  return { record: "OffsetCommit", key: { group, topic, partition }, value: null };
}
