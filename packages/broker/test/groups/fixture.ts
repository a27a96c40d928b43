import { decodeGroupRecord, encodeGroupRecord, type GroupRecord } from "@tarpan/protocol";
import { ConfigResolver } from "../../src/config/kafka/resolve.ts";
import type { BrokerConfig } from "../../src/config/kafka/typed.ts";
import { GroupLog } from "../../src/groups/group-log.ts";
import {
  applyGroupRecord,
  GroupState,
  groupsLoaded,
  snapshotGroups,
} from "../../src/groups/machine.ts";
import {
  Effects,
  type GroupContext,
  type Operation,
  type Step,
} from "../../src/groups/operation.ts";
import { type Logger, silentLogger } from "../../src/logging/logger.ts";
import { EMPTY_IMAGE, type MetadataImage } from "../../src/metadata/image.ts";
import { ManualTime } from "../env/manual-time.ts";
import { SeededRandom } from "../env/seeded-random.ts";

/** A request in the hands of the coordinator: no answer yet, or one. */
export interface Pending<T> {
  /** Throws while there is none. */
  readonly answer: T;
  readonly answered: boolean;
  /** The coordinator crashed before it answered. */
  readonly lost: boolean;
}

/**
 * One shard's state without the shard: operations run at once, their records are applied through
 * their bytes, and time passes when told. A second answer to a request throws.
 */
export class GroupFixture {
  readonly time = new ManualTime();
  readonly config: BrokerConfig;
  readonly random: SeededRandom;
  image: MetadataImage = EMPTY_IMAGE;
  logger: Logger = silentLogger;
  state = new GroupState();
  /** Everything ever recorded. */
  readonly log: GroupRecord[] = [];
  #taken = 0;
  #pending = new Set<{ lost: boolean }>();

  constructor(config: Partial<BrokerConfig> = {}, seed = 1) {
    const defaults = new ConfigResolver(1, {}).broker(EMPTY_IMAGE);
    this.config = { ...defaults, ...config };
    this.random = new SeededRandom(seed);
  }

  get context(): GroupContext {
    const { image, config, random, time } = this;
    const log = new GroupLog(this.logger);
    return { nowMs: time.monotonicMs(), wallMs: time.wallMs(), image, config, random, log };
  }

  run<T>(operation: Operation<T>): Pending<T> {
    const pending = new PendingRequest<T>();
    this.#pending.add(pending);
    this.step((state, context, effects) =>
      operation(state, context, effects, (answer) => {
        this.#pending.delete(pending);
        pending.take(answer);
      }),
    );
    return pending;
  }

  step(step: Step): void {
    const effects = new Effects();
    step(this.state, this.context, effects);
    for (const record of effects.records) {
      this.log.push(throughBytes(record));
      applyGroupRecord(this.state, record);
    }
    for (const reply of effects.replies) reply();
  }

  /** What was recorded since this was last asked. */
  newRecords(): GroupRecord[] {
    const records = this.log.slice(this.#taken);
    this.#taken = this.log.length;
    return records;
  }

  /** Lets `ms` pass; every deadline runs at its own time. */
  advance(ms: number): void {
    const untilMs = this.time.monotonicMs() + ms;
    for (;;) {
      const { deadlines } = this.state;
      const { nextMs } = deadlines;
      if (nextMs === undefined || nextMs > untilMs) break;
      this.time.advance(Math.max(0, nextMs - this.time.monotonicMs()));
      for (const due of deadlines.takeDue(this.time.monotonicMs())) this.step(due);
    }
    this.time.advance(untilMs - this.time.monotonicMs());
  }

  /** The state that the records, or a snapshot of it, lead to. */
  replayed(records: readonly GroupRecord[] = this.log): GroupState {
    const state = new GroupState();
    for (const record of records) applyGroupRecord(state, record);
    return state;
  }

  snapshot(): GroupRecord[] {
    return snapshotGroups(this.state).map(throughBytes);
  }

  /** Only the records are left, and whoever waits is never answered. */
  crash(): void {
    for (const pending of this.#pending) pending.lost = true;
    this.#pending.clear();
    this.state = this.replayed();
    this.step(groupsLoaded);
  }
}

class PendingRequest<T> implements Pending<T> {
  lost = false;
  #answers: T[] = [];

  get answered(): boolean {
    return this.#answers.length > 0;
  }

  get answer(): T {
    if (!this.answered) throw new Error("not answered yet");
    return this.#answers[0]!;
  }

  take(answer: T): void {
    if (this.answered) throw new Error("answered twice");
    this.#answers.push(answer);
  }
}

/** As replay reads it. */
function throughBytes(record: GroupRecord): GroupRecord {
  const { key, value } = encodeGroupRecord(record);
  const read = decodeGroupRecord(key, value);
  if (read === null) throw new Error(`${record.record} can't be read again`);
  return read;
}
