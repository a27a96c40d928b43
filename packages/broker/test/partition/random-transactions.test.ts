// Compares a random history of transactions, failures, checkpoints and restarts with a model that
// looks at the whole log each time.
import { expect, test } from "vitest";
import type { LogEngine } from "../../src/log/log-engine.ts";
import { LogError } from "../../src/log/log-error.ts";
import { MemoryEngine } from "../../src/log/memory.ts";
import { SegmentEngine } from "../../src/log/segment/engine.ts";
import type { Partition } from "../../src/partition/partition.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";
import { testEnv } from "../env/test-env.ts";
import { abortedFrom, create, end, open, send } from "./transactions.ts";

const STEPS = 400;
const PRODUCERS = 6;

interface Entry {
  readonly offset: number;
  readonly producerId: number;
  /** Undefined for records. */
  readonly isCommit?: boolean;
  readonly isTransactional: boolean;
}

interface Transaction {
  readonly producerId: number;
  readonly first: number;
  /** Of its marker; infinite while it is open. */
  readonly last: number;
  readonly isAborted: boolean;
}

class Model {
  entries: Entry[] = [];
  start = 0;

  transactions(): Transaction[] {
    const all: Transaction[] = [];
    const open = new Map<number, number>();
    for (const { offset, producerId, isCommit, isTransactional } of this.entries) {
      const first = open.get(producerId);
      if (isCommit === undefined) {
        if (isTransactional && first === undefined) open.set(producerId, offset);
      } else if (first !== undefined) {
        all.push({ producerId, first, last: offset, isAborted: !isCommit });
        open.delete(producerId);
      }
    }
    for (const [producerId, first] of open) {
      all.push({ producerId, first, last: Number.POSITIVE_INFINITY, isAborted: false });
    }
    return all;
  }

  isOpen(producerId: number): boolean {
    const isIts = (one: Transaction) => one.producerId === producerId;
    return this.transactions().some((one) => isIts(one) && one.last === Number.POSITIVE_INFINITY);
  }

  lastStable(logEnd: number): number {
    const open = this.transactions().filter(({ last }) => last === Number.POSITIVE_INFINITY);
    return Math.max(this.start, Math.min(logEnd, ...open.map(({ first }) => first)));
  }

  aborted(from: number, to: number): number[][] {
    return this.transactions()
      .filter(({ isAborted, first, last }) => isAborted && last >= from && first < to)
      .map(({ producerId, first }) => [producerId, first]);
  }
}

class History {
  readonly model = new Model();
  readonly #random: SeededRandom;
  readonly #engine: LogEngine;
  readonly #sequences = new Map<number, number>();
  partition!: Partition;

  constructor(engine: LogEngine, random: SeededRandom) {
    this.#engine = engine;
    this.#random = random;
  }

  async run(): Promise<void> {
    this.partition = await create(this.#engine);
    for (let step = 0; step < STEPS; step++) {
      await this.#step();
      await this.#check();
    }
  }

  async #step(): Promise<void> {
    const producerId = 1 + this.#random.below(PRODUCERS);
    switch (this.#random.below(13)) {
      case 0:
        await this.partition.close();
        this.partition = await open(this.#engine);
        return;
      case 1:
        await this.partition.log.close();
        this.partition = await open(this.#engine);
        return;
      case 2:
        return this.partition.checkpoint();
      case 3:
        return this.#trim();
      case 4:
        return this.#end(producerId, true);
      case 5:
        return this.#failAll(producerId);
      case 6:
      case 7:
        return this.#end(producerId, false);
      case 8:
        return this.#checkpointDuring(producerId);
      default:
        return this.#send(producerId);
    }
  }

  async #send(producerId: number): Promise<void> {
    const isTransactional = this.model.isOpen(producerId) || this.#random.below(3) > 0;
    const sequence = this.#sequences.get(producerId) ?? 0;
    const count = 1 + this.#random.below(3);
    const sent = { producerId, sequence, count, transactional: isTransactional };
    const { errorCode, baseOffset } = await send(this.partition, sent);
    expect(errorCode).toBe(0);
    this.#sequences.set(producerId, sequence + count);
    this.model.entries.push({ offset: baseOffset, producerId, isTransactional });
  }

  async #end(producerId: number, isCommit: boolean): Promise<void> {
    const { errorCode, baseOffset } = await end(this.partition, isCommit, { producerId });
    expect(errorCode).toBe(0);
    this.model.entries.push({ offset: baseOffset, producerId, isCommit, isTransactional: true });
  }

  /** A checkpoint of the state before a marker that is not durable yet, and a restart from it. */
  async #checkpointDuring(producerId: number): Promise<void> {
    const ending = this.#end(producerId, this.#random.below(2) === 0);
    await this.partition.checkpoint();
    await ending;
    await this.partition.log.close();
    this.partition = await open(this.#engine);
  }

  /** Several appends that get offsets and fail, as on a full disk. */
  async #failAll(producerId: number): Promise<void> {
    const { log } = this.partition;
    const { append } = log;
    let next = log.nextOffset;
    Object.defineProperty(log, "nextOffset", { configurable: true, get: () => next });
    log.append = async (batch) => {
      next += 1 + new DataView(batch.buffer, batch.byteOffset).getInt32(23);
      await null;
      throw new LogError("disk-full", "no space");
    };
    const sequence = this.#sequences.get(producerId) ?? 0;
    const isOpen = this.model.isOpen(producerId);
    const attempts = [
      () => send(this.partition, { producerId, sequence, transactional: true }),
      () => end(this.partition, this.#random.below(2) === 0, { producerId }),
      () => send(this.partition, { producerId, sequence: sequence + 1, transactional: true }),
      () => end(this.partition, this.#random.below(2) === 0, { producerId: producerId + 1 }),
    ];
    const from = isOpen ? this.#random.below(2) : 0;
    const pending = attempts.slice(from, from + 1 + this.#random.below(4)).map((one) => one());
    for (const { errorCode } of await Promise.all(pending)) expect(errorCode).not.toBe(0);
    log.append = append;
    Reflect.deleteProperty(log, "nextOffset");
  }

  async #trim(): Promise<void> {
    const { startOffset, endOffset } = this.partition.log;
    // Not past an open transaction: the model would have to know what a scan still sees.
    const stable = this.model.lastStable(endOffset);
    const offset = startOffset + this.#random.below(Math.max(1, (stable - startOffset) >> 2));
    await this.partition.deleteBefore(offset);
    this.model.start = this.partition.log.startOffset;
    this.partition.forgetOld(0);
  }

  async #check(): Promise<void> {
    const { partition, model } = this;
    const { startOffset, endOffset } = partition.log;
    const stable = model.lastStable(endOffset);
    expect(partition.lastStableOffset).toBe(stable);
    if (stable <= startOffset) return;
    const from = startOffset + this.#random.below(stable - startOffset);
    const inOrder = (a: number[], b: number[]) => a[1]! - b[1]!;
    const told = (await abortedFrom(partition, from)).sort(inOrder);
    expect(told).toEqual(model.aborted(from, stable).sort(inOrder));
  }
}

const engines: [string, () => Promise<LogEngine>][] = [
  ["memory", async () => new MemoryEngine(testEnv())],
  [
    "segment",
    () => SegmentEngine.openDirectory("/data", { env: testEnv(), flush: { mode: "never" } }),
  ],
];

test.each(engines)("are as a look at the whole log says, with storage %s", async (name, start) => {
  const seed = seedOf(`transactions on ${name}`);
  await new History(await start(), new SeededRandom(seed)).run();
});
