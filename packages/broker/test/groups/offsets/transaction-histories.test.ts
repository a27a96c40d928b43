import { ErrorCode, type GroupRecord } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { deleteGroup } from "../../../src/groups/operations/delete-group.ts";
import { deleteOffsets } from "../../../src/groups/operations/delete-offsets.ts";
import { forgetTopics } from "../../../src/groups/operations/forget-topics.ts";
import { SeededRandom, seedOf } from "../../env/seeded-random.ts";
import { imageOf, RETENTION_MS, topicId } from "./support.ts";
import { type Offset, recorded, TransactionWorld } from "./transaction-world.ts";

const HISTORIES = Number(process.env.TARPAN_RUNS ?? 10);
const LIMIT_MS = 30_000 + HISTORIES * 1_000;
const STEPS = 300;
const DAY_MS = 86_400_000;
const GROUPS = ["g", "h"];
const TOPICS = ["t", "u"];
const PRODUCERS = [1, 2, 3, 4];

/** An offset, and how many others were recorded before it. */
interface Written {
  readonly offset: number;
  readonly order: number;
  readonly atMs: number;
}

/** What a producer's client and the coordinator of transactions know. */
interface Producer {
  readonly producerId: number;
  /** Whether each of its transactions has an epoch of its own. */
  readonly bumpsEpoch: boolean;
  epoch: number;
  coordinatorEpoch: number;
  usedMs: number;
  readonly pending: Map<string, Written>;
}

const keyOf = (group: string, topic: string, partition: number) => `${group} ${topic} ${partition}`;

/** The rules as plain as possible: a commit counts unless a newer one of its partition counts. */
class History {
  readonly world = new TransactionWorld();
  readonly random: SeededRandom;
  readonly committed = new Map<string, Written>();
  readonly producers: readonly Producer[];
  #order = 0;
  #incarnation = 0;
  /** A snapshot that is being written, and where it began in the log. */
  #snapshot: { units: Iterator<readonly GroupRecord[]>; startAt: number } | null = null;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    this.producers = PRODUCERS.map((producerId) => ({
      ...{ producerId, bumpsEpoch: producerId % 2 === 0, epoch: 0, coordinatorEpoch: 0 },
      ...{ usedMs: Number.NEGATIVE_INFINITY, pending: new Map() },
    }));
  }

  step(): void {
    const { random } = this;
    const producer = random.pick(this.producers);
    const roll = random.below(100);
    if (roll < 15) this.#commit();
    else if (roll < 50) this.#commitPending(producer);
    else if (roll < 65) this.#end(producer, random.chance(0.6));
    else if (roll < 70) this.#endAgain(producer);
    else if (roll < 74) this.#endMeanwhile(producer);
    else if (roll < 77) this.#endOfOldCoordinator(producer);
    else if (roll < 80) this.#delete();
    else if (roll < 81) this.#recreateTopic();
    else if (roll < 85) this.#advance();
    else if (roll < 88) this.#crash();
    else this.#writeSnapshot();
  }

  #written(offset: number): Written {
    return { offset, order: this.#order++, atMs: this.world.time.wallMs() };
  }

  #commit(): void {
    const { random } = this;
    const group = random.pick(GROUPS);
    const [topic, partition, offset] = this.#offset();
    this.world.commit(group, topic, partition, offset);
    this.committed.set(keyOf(group, topic, partition), this.#written(offset));
  }

  #offset(): Offset {
    const { random } = this;
    return [random.pick(TOPICS), random.below(2), random.below(1_000)];
  }

  #commitPending(producer: Producer): void {
    const { random, world } = this;
    const group = random.pick(GROUPS);
    const offsets = Array.from({ length: 1 + random.below(3) }, () => this.#offset());
    const { producerId, epoch, bumpsEpoch } = producer;
    const known = world.state.offsets.pending.producers.get(producerId);
    const version = bumpsEpoch ? 5 : 4;
    if (random.chance(0.1) && known?.epoch === epoch && epoch > 0) {
      const fields = { producerId, producerEpoch: epoch - 1, version };
      const codes = new Set(world.commitPending(group, offsets, fields));
      expect([...codes]).toEqual([ErrorCode.INVALID_PRODUCER_EPOCH]);
      return;
    }
    const fields = { producerId, producerEpoch: epoch, version };
    expect(new Set(world.commitPending(group, offsets, fields))).toEqual(new Set([0]));
    producer.usedMs = world.time.wallMs();
    for (const [topic, partition, offset] of offsets) {
      producer.pending.set(keyOf(group, topic, partition), this.#written(offset));
    }
  }

  /** A new coordinator may write the marker; one that fences the producer gives it a new epoch. */
  #end(producer: Producer, isCommit: boolean): void {
    const { random, world } = this;
    const { producerId, bumpsEpoch } = producer;
    if (bumpsEpoch || (!isCommit && random.chance(0.3))) producer.epoch++;
    if (random.chance(0.3)) producer.coordinatorEpoch++;
    const { epoch: producerEpoch, coordinatorEpoch } = producer;
    const end = { producerId, producerEpoch, coordinatorEpoch, bumpsEpoch };
    expect(world.end(isCommit, end)).toBe(ErrorCode.NONE);
    producer.usedMs = world.time.wallMs();
    for (const [key, written] of producer.pending) {
      const known = this.committed.get(key);
      const counts = isCommit && (known === undefined || known.order < written.order);
      if (counts) this.committed.set(key, written);
    }
    producer.pending.clear();
  }

  /** A marker whose answer was lost is sent again, maybe after the next transaction has begun. */
  #endAgain({ producerId, epoch: producerEpoch, coordinatorEpoch, bumpsEpoch, ...rest }: Producer) {
    if (!bumpsEpoch || producerEpoch === 0) return;
    const known = this.world.state.offsets.pending.producers.get(producerId);
    if (known?.epoch !== producerEpoch) return;
    const end = { producerId, producerEpoch, coordinatorEpoch, bumpsEpoch };
    const isNextOpen = rest.pending.size > 0;
    const code = isNextOpen ? ErrorCode.INVALID_PRODUCER_EPOCH : ErrorCode.NONE;
    expect(this.world.end(this.random.chance(0.5), end)).toBe(code);
    if (!isNextOpen) this.producers[producerId - 1]!.usedMs = this.world.time.wallMs();
  }

  /** The transaction ends between the verification of its first commit and this commit. */
  #endMeanwhile(producer: Producer): void {
    if (producer.pending.size > 0) return;
    const { producerId, epoch: producerEpoch, bumpsEpoch } = producer;
    const fields = { producerId, producerEpoch, version: bumpsEpoch ? 5 : 4 };
    const group = this.random.pick(GROUPS);
    const offsets = [this.#offset()];
    const first = this.world.begin(group, offsets, fields);
    if ("answer" in first) throw new Error("not verified");
    this.#end(producer, this.random.chance(0.5));
    const [code] = this.world.finish(group, offsets, first.unverified, fields);
    const { INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE } = ErrorCode;
    const isFenced = producer.epoch > producerEpoch;
    expect(code).toBe(isFenced ? INVALID_PRODUCER_EPOCH : INVALID_TXN_STATE);
  }

  #endOfOldCoordinator({ producerId, epoch, coordinatorEpoch, bumpsEpoch }: Producer): void {
    const known = this.world.state.offsets.pending.producers.get(producerId);
    if (known === undefined || known.coordinatorEpoch < 1) return;
    expect(known.coordinatorEpoch).toBe(coordinatorEpoch);
    const old = { producerEpoch: epoch + 1, coordinatorEpoch: coordinatorEpoch - 1 };
    const code = this.world.end(true, { producerId, bumpsEpoch, ...old });
    expect(code).toBe(ErrorCode.TRANSACTION_COORDINATOR_FENCED);
  }

  #delete(): void {
    const groupId = this.random.pick(GROUPS);
    const [name, partitionIndex] = this.#offset();
    const isWhole = this.random.chance(0.3);
    if (isWhole) this.world.run(deleteGroup(groupId));
    else {
      const topics = [{ name, partitions: [{ partitionIndex }] }];
      this.world.run(deleteOffsets({ groupId, topics }));
    }
    const key = keyOf(groupId, name, partitionIndex);
    this.#drop((one) => (isWhole ? one.startsWith(groupId) : one === key));
  }

  #recreateTopic(): void {
    this.#incarnation = (this.#incarnation + 1) % 10;
    this.world.image = imageOf({ t: topicId("t", this.#incarnation), u: topicId("u") });
    this.world.step((turn) => forgetTopics(turn, ["t"]));
    this.#drop((key) => key.includes(" t "));
  }

  #drop(isDropped: (key: string) => boolean): void {
    for (const map of [this.committed, ...this.producers.map(({ pending }) => pending)]) {
      for (const key of [...map.keys()]) if (isDropped(key)) map.delete(key);
    }
  }

  #advance(): void {
    const { world, random } = this;
    world.advance(random.pick([1_000, 3_600_000, DAY_MS, 3 * DAY_MS]));
    const nowMs = world.time.wallMs();
    const state = recorded(world.state);
    for (const [key, { atMs }] of this.committed) {
      if (world.state.offsets.get(...partsOf(key)) !== undefined) continue;
      const isExpired = !this.#isUnstable(key) && nowMs - atMs >= RETENTION_MS;
      expect(isExpired, key).toBe(true);
      this.committed.delete(key);
    }
    for (const { producerId, usedMs, pending } of this.producers) {
      const isIdle = pending.size === 0 && nowMs - usedMs >= DAY_MS;
      expect(state.producers.has(producerId) || isIdle).toBe(true);
    }
  }

  /** An unfinished snapshot is lost, but what was written of it is read. */
  #crash(): void {
    this.#snapshot = null;
    this.world.crash();
  }

  /** Some units of a snapshot, between the records of operations. */
  #writeSnapshot(): void {
    const { world, random } = this;
    if (this.#snapshot === null) {
      const units = world.machine.snapshot(world.state)[Symbol.iterator]();
      this.#snapshot = { units, startAt: world.log.length };
    }
    const { units, startAt } = this.#snapshot;
    for (let count = 1 + random.below(4); count > 0; count--) {
      const { done, value } = units.next();
      if (done) {
        world.log.splice(0, startAt);
        this.#snapshot = null;
        if (random.chance(0.5)) world.crash();
        return;
      }
      for (const record of value) world.log.push(this.#throughBytes(record));
    }
  }

  #throughBytes(record: GroupRecord): GroupRecord {
    const { machine } = this.world;
    return machine.decode(machine.encode(record))!;
  }

  #isUnstable(key: string): boolean {
    return this.producers.some(({ pending }) => pending.has(key));
  }

  check(): void {
    const seen: unknown[] = [];
    const expected: unknown[] = [];
    for (const groupId of GROUPS) {
      const plain = this.world.fetch(groupId).topics;
      const stable = this.world.fetch(groupId, true).topics;
      for (const [i, topic] of TOPICS.entries()) {
        for (const partition of [0, 1]) {
          const { committedOffset } = plain[i]!.partitions[partition]!;
          seen.push([committedOffset, stable[i]!.partitions[partition]!.errorCode]);
          const key = keyOf(groupId, topic, partition);
          const code = this.#isUnstable(key) ? ErrorCode.UNSTABLE_OFFSET_COMMIT : ErrorCode.NONE;
          expected.push([this.committed.get(key)?.offset ?? -1, code]);
        }
      }
    }
    expect(seen).toEqual(expected);
  }

  checkReplay(): void {
    const { world } = this;
    const live = recorded(world.state);
    expect(recorded(world.replayed())).toEqual(live);
    expect(recorded(world.replayed(world.snapshot()))).toEqual(live);
  }

  finish(): void {
    for (const producer of this.producers) this.#end(producer, true);
    this.check();
    this.checkReplay();
    const { pending } = this.world.state.offsets;
    expect([...pending]).toEqual([]);
    expect([...pending.groupIds()]).toEqual([]);
  }
}

function partsOf(key: string): [string, string, number] {
  const [group, topic, partition] = key.split(" ") as [string, string, string];
  return [group, topic, Number(partition)];
}

it("offsets in transactions follow a plain model in random histories", {
  timeout: LIMIT_MS,
}, () => {
  const first = seedOf("offsets in transactions");
  const histories = process.env.TARPAN_SEED === undefined ? HISTORIES : 1;
  for (let seed = first; seed < first + histories; seed++) {
    try {
      run(new History(seed));
    } catch (error) {
      throw new Error(`TARPAN_SEED=${seed}`, { cause: error });
    }
  }
});

function run(history: History): void {
  for (let step = 0; step < STEPS; step++) {
    history.step();
    history.check();
    if (step % 20 === 0) history.checkReplay();
  }
  history.finish();
}
