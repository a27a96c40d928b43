// Crashes a partition with transactions, segments, retention and compaction in three ways after
// changes of its disk, and checks what Kafka's files of producers say when it is open again.
import { expect, it } from "vitest";
import type { FlushPolicy } from "../../src/config/settings.ts";
import { SegmentEngine } from "../../src/log/segment/engine.ts";
import { ABORTS_KEPT_MS } from "../../src/partition/limits.ts";
import { Partition } from "../../src/partition/partition.ts";
import type { Crash } from "../env/crash.ts";
import type { MemoryFiles } from "../env/memory-files.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";
import { type TestEnv, testEnv } from "../env/test-env.ts";
import { OPTIONS } from "../log/batches.ts";
import { compact } from "../log/compaction.ts";
import { indexAt, offsetsOf, ProducerModel, snapshotAt } from "./producer-files.ts";
import { end, ID, send } from "./transactions.ts";

const isLong = process.env.TARPAN_CHAOS === "1";
const STEPS = isLong ? 120 : 70;
/** Of so many changes one is followed by a crash, in one of three ways; `npm run chaos`: in all. */
const STRIDE = isLong ? 1 : 23;
const PRODUCERS = 4;
const SMALL = { ...OPTIONS, segmentBytes: 500 };

class Run {
  readonly env: TestEnv;
  readonly flush: FlushPolicy;
  readonly model = new ProducerModel();
  /** How far aborted transactions may be forgotten after so many changes of the disk. */
  readonly forgotten: { asked: number; offset: number }[] = [];
  readonly #random: SeededRandom;
  readonly #sequences = new Map<number, number>();
  #partition!: Partition;
  #engine!: SegmentEngine;
  #cleanedTo = 0;
  #compactions = 0;

  constructor(flush: FlushPolicy, seed: number) {
    this.env = testEnv({ seed });
    this.flush = flush;
    this.#random = new SeededRandom(seed);
  }

  async go(): Promise<void> {
    this.#engine = await engineOn(this.env, this.flush);
    this.#partition = await Partition.open(ID, await this.#engine.create(ID, SMALL), 0);
    for (let step = 0; step < STEPS; step++) await this.#step();
    await this.#partition.close();
    await this.#engine.close();
  }

  async #step(): Promise<void> {
    const producerId = 1 + this.#random.below(PRODUCERS);
    const choice = this.#random.below(16);
    if (choice < 8) return this.#send(producerId);
    if (choice < 12) return this.#end(producerId, choice === 8);
    if (choice === 12) return this.#partition.checkpoint();
    if (choice === 13) return this.#reopen();
    if (choice === 14) return this.#trim();
    return this.#compact();
  }

  async #send(producerId: number): Promise<void> {
    const count = 1 + this.#random.below(3);
    const sequence = this.#sequences.get(producerId) ?? 0;
    const offset = this.#partition.log.nextOffset;
    this.model.written.push({ offset, producerId, epoch: 0, sequence, count });
    this.#sequences.set(producerId, sequence + count);
    const { errorCode } = await send(this.#partition, { producerId, sequence, count });
    expect(errorCode).toBe(0);
  }

  async #end(producerId: number, isCommit: boolean): Promise<void> {
    const offset = this.#partition.log.nextOffset;
    const coordinatorEpoch = offset >> 4;
    this.model.written.push({ offset, producerId, epoch: 0, isCommit, coordinatorEpoch });
    const { errorCode } = await end(this.#partition, isCommit, { producerId, coordinatorEpoch });
    expect(errorCode).toBe(0);
  }

  async #reopen(): Promise<void> {
    await this.#partition.close();
    this.#partition = await Partition.open(ID, await this.#engine.open(ID, SMALL), 0);
    this.#cleanedTo = 0;
  }

  /** Below a checkpoint, which keeps what can't be read again. */
  async #trim(): Promise<void> {
    const partition = this.#partition;
    const to = Math.min(await partition.checkpointedTo(), partition.lastStableOffset);
    const { startOffset } = partition.log;
    await partition.deleteBefore(startOffset + this.#random.below(to - startOffset + 1));
    partition.forgetOld(0);
  }

  async #compact(): Promise<void> {
    const partition = this.#partition;
    const upTo = Math.min(await partition.checkpointedTo(), partition.lastStableOffset);
    const aborted = partition.abortedRanges();
    const producers = partition.lastOffsetsOfProducers();
    const { cleanedTo } = await compact(partition.log, { upTo, aborted, producers });
    this.forgotten.push({ asked: this.env.fs.changes.length, offset: this.#cleanedTo });
    this.#cleanedTo = Math.max(this.#cleanedTo, cleanedTo);
    await partition.compacted(cleanedTo, ABORTS_KEPT_MS * ++this.#compactions);
  }
}

async function engineOn(env: TestEnv, flush: FlushPolicy, lines: string[] = []) {
  const log = (line: string) => void lines.push(line);
  return SegmentEngine.openDirectory("/data", { env, flush, log });
}

async function crashAt(run: Run, at: number, crash: Crash): Promise<void> {
  const fs = run.env.fs.crashedAt(at, crash);
  const env = testEnv({ seed: at, fs });
  const lines: string[] = [];
  const engine = await engineOn(env, run.flush, lines);
  if ((await engine.list()).length === 0) return;
  const partition = await Partition.open(ID, await engine.open(ID, SMALL), 0);
  const { startOffset, endOffset } = partition.log;
  const asked = run.forgotten.filter((one) => one.asked <= at);
  const forgotten = Math.max(0, ...asked.map(({ offset }) => offset));
  const log = { startOffset, endOffset, forgotten };
  const check = () => checkFiles(run.model, fs, log);
  check();
  // A stop in order and a start find everything as it was.
  await partition.close();
  await engine.close();
  check();
  const { length } = offsetsOf(fs, ".snapshot");
  expect(length > 0).toBe(run.model.snapshotAt(endOffset).length > 0);
  const again = await engineOn(testEnv({ fs }), run.flush, lines);
  const reopened = await Partition.open(ID, await again.open(ID, SMALL), 0);
  check();
  expect(reopened.log.endOffset).toBe(endOffset);
  // A loss of power right after a stop in order may damage the newest files, and that is told.
  if (crash.kind === "process") expect(lines.filter((line) => /Kafka's/.test(line))).toEqual([]);
}

interface Log {
  readonly startOffset: number;
  readonly endOffset: number;
  /** Before it, aborted transactions may be missing. */
  readonly forgotten: number;
}

function checkFiles(model: ProducerModel, fs: MemoryFiles, log: Log): void {
  const { startOffset, endOffset, forgotten } = log;
  const bases = offsetsOf(fs, ".log");
  const snapshots = offsetsOf(fs, ".snapshot");
  for (const offset of snapshots) {
    expect(snapshotAt(fs, offset), `snapshot ${offset}`).toEqual(model.snapshotAt(offset));
    if (offset !== snapshots.at(-1)) expect(bases).toContain(offset);
  }
  if (snapshots.length > 0) expect(snapshots.at(-1)).toBe(endOffset);
  for (const base of offsetsOf(fs, ".txnindex")) expect(bases).toContain(base);
  for (const [i, base] of bases.entries()) {
    const to = bases[i + 1] ?? endOffset;
    const found = indexAt(fs, base);
    const all = model.abortsBetween(base, to);
    for (const one of found) expect(all).toContainEqual(one);
    const from = Math.max(base, startOffset, forgotten);
    const known = found.filter(({ lastOffset }) => lastOffset >= from);
    expect(known, `index ${base}`).toEqual(model.abortsBetween(from, to));
  }
  const left = fs.paths().filter((path) => /t-0\/.*\.(tmp|deleted|cleaned|swap)$/.test(path));
  expect(left).toEqual([]);
}

const policies: FlushPolicy[] = [{ mode: "always" }, { mode: "never" }];
for (const flush of policies) {
  it(`are right after a crash at any moment, flush ${flush.mode}`, {
    timeout: 300_000,
  }, async () => {
    const seed = seedOf(`producer files, flush ${flush.mode}`);
    const run = new Run(flush, seed);
    await run.go();
    const random = new SeededRandom(seed);
    const crashes: Crash[] = [{ kind: "process" }, { kind: "power" }, { kind: "torn", random }];
    for (let at = seed % STRIDE; at <= run.env.fs.changes.length; at += STRIDE) {
      for (const crash of isLong ? crashes : [crashes[at % 3]!]) {
        const where = `TARPAN_SEED=${seed}, ${crash.kind} crash after change ${at}`;
        await crashAt(run, at, crash).catch((error: Error) => {
          throw new Error(`${where}: ${error.message}`, { cause: error });
        });
      }
    }
  });
}
