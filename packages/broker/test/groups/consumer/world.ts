import { decodeGroupRecord, encodeGroupRecord, type GroupRecord } from "@tarpan/protocol";
import { ConfigResolver } from "../../../src/config/kafka/resolve.ts";
import type { BrokerConfig } from "../../../src/config/kafka/typed.ts";
import { GroupLog } from "../../../src/groups/group-log.ts";
import {
  applyGroupRecord,
  GroupState,
  groupsLoaded,
  snapshotGroups,
} from "../../../src/groups/machine.ts";
import {
  type ConsumerGroup,
  consumerHeartbeat,
  type HeartbeatAnswer,
  topicsChanged,
} from "../../../src/groups/model/consumer/index.ts";
import type { HeartbeatRequest } from "../../../src/groups/model/consumer/requests.ts";
import { Effects, type Operation, type Step } from "../../../src/groups/operation.ts";
import { type Logger, silentLogger } from "../../../src/logging/logger.ts";
import { EMPTY_IMAGE, type MetadataImage, type TopicImage } from "../../../src/metadata/image.ts";
import { ManualTime } from "../../env/manual-time.ts";
import { SeededRandom } from "../../env/seeded-random.ts";

export const SESSION_MS = 45_000;
export const REBALANCE_MS = 60_000;
export const HEARTBEAT_MS = 5_000;

const PARTITION = {
  replicas: [1],
  isr: [1],
  adding: [],
  removing: [],
  leader: 1,
  leaderEpoch: 0,
  partitionEpoch: 0,
};

export function topicId(name: string): string {
  return `00000000-0000-4000-8000-${Buffer.from(name).toString("hex").padStart(12, "0")}`;
}

/** The coordinator of some groups, run step by step on a clock that moves when told. */
export class ConsumerWorld {
  readonly time = new ManualTime();
  readonly log: { key: Uint8Array; value: Uint8Array | null }[] = [];
  readonly random: SeededRandom;
  state = new GroupState();
  image: MetadataImage = EMPTY_IMAGE;
  logger: Logger = silentLogger;
  config: BrokerConfig;

  constructor(config: Partial<BrokerConfig> = {}, seed = 1) {
    this.config = { ...new ConfigResolver(1, {}).broker(EMPTY_IMAGE), ...config };
    this.random = new SeededRandom(seed);
  }

  /** Makes, grows or (0 partitions) deletes topics, and lets the groups know. */
  setTopics(partitions: Readonly<Record<string, number>>): GroupRecord[] {
    const byName = new Map<string, TopicImage | undefined>();
    const byId = new Map<string, TopicImage | undefined>();
    for (const [name, count] of Object.entries(partitions)) {
      const id = topicId(name);
      const topic = { name, id, partitions: Array.from({ length: count }, () => PARTITION) };
      byName.set(name, count === 0 ? undefined : topic);
      byId.set(id, count === 0 ? undefined : topic);
    }
    this.image = {
      ...this.image,
      topics: this.image.topics.with(byName),
      topicsById: this.image.topicsById.with(byId),
    };
    return this.step(topicsChanged([...byName.keys()]));
  }

  /** Runs a step as a shard does and returns what it recorded. */
  step(step: Step): GroupRecord[] {
    const effects = new Effects();
    const { image, config, random } = this;
    const [nowMs, wallMs] = [this.time.monotonicMs(), this.time.wallMs()];
    const log = new GroupLog(this.logger);
    step(this.state, { nowMs, wallMs, image, config, random, log }, effects);
    for (const record of effects.records) {
      this.log.push(encodeGroupRecord(record));
      applyGroupRecord(this.state, record);
    }
    for (const reply of effects.replies) reply();
    return effects.records;
  }

  /** For operations that answer at once. */
  run<T>(operation: Operation<T>): { answer: T; records: GroupRecord[] } {
    const { answers, records } = this.begin(operation);
    if (answers.length !== 1) throw new Error(`${answers.length} answers`);
    return { answer: answers[0]!, records };
  }

  /** For operations that may wait: `answers` fills later. */
  begin<T>(operation: Operation<T>): { answers: T[]; records: GroupRecord[] } {
    const answers: T[] = [];
    const records = this.step((state, context, effects) =>
      operation(state, context, effects, (answer) => answers.push(answer)),
    );
    return { answers, records };
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
        recorded.push(...this.step(due));
      }
    }
    this.time.advance(untilMs - this.time.monotonicMs());
    return recorded;
  }

  /** The hard state that a broker which reads the log would have. */
  replayed(): GroupState {
    const state = new GroupState();
    for (const { key, value } of this.log) {
      applyGroupRecord(state, decodeGroupRecord(key, value)!);
    }
    return state;
  }

  /** The broker stops at once, and the log is loaded anew. */
  crash(): GroupRecord[] {
    this.state = this.replayed();
    return this.step(groupsLoaded);
  }

  beat(request: Partial<HeartbeatRequest>, version = 1) {
    const full: HeartbeatRequest = { ...NOTHING_NEW, ...request };
    const client = { clientId: "client", clientHost: "/127.0.0.1" };
    return this.run(consumerHeartbeat({ request: full, version, ...client }));
  }

  /** A heartbeat that joins. */
  join(memberId: string, request: Partial<HeartbeatRequest> = {}): HeartbeatAnswer {
    return this.beat({ ...JOINING, memberId, ...request }).answer;
  }

  group(groupId = "g"): ConsumerGroup {
    const group = this.state.groups.get(groupId);
    if (group?.kind !== "consumer") throw new Error(`${groupId} is ${group?.kind}`);
    return group;
  }
}

const NOTHING_NEW: HeartbeatRequest = {
  groupId: "g",
  memberId: "",
  memberEpoch: 0,
  instanceId: null,
  rackId: null,
  rebalanceTimeoutMs: -1,
  subscribedTopicNames: null,
  subscribedTopicRegex: null,
  serverAssignor: null,
  topicPartitions: null,
};

export const JOINING = {
  memberEpoch: 0,
  rebalanceTimeoutMs: REBALANCE_MS,
  subscribedTopicNames: ["t"],
  topicPartitions: [],
};

/** Snapshots order nothing: the same records in any order are the same state. */
export function sorted(records: readonly GroupRecord[]): string[] {
  return records
    .map((record) =>
      JSON.stringify(record, (_key, value) => (typeof value === "bigint" ? `${value}n` : value)),
    )
    .sort();
}

export function hardState(state: GroupState): string[] {
  return sorted(snapshotGroups(state));
}
