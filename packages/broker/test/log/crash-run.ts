// One run of operations on a log, with what its caller was promised. See crash-points.test.ts.
import { expect } from "vitest";
import type { FlushPolicy } from "../../src/config/settings.ts";
import type { Log, LogId, LogOptions } from "../../src/log/log.ts";
import { SegmentEngine } from "../../src/log/segment/engine.ts";
import type { SeededRandom } from "../env/seeded-random.ts";
import type { TestEnv } from "../env/test-env.ts";
import { batchOf, OPTIONS } from "./batches.ts";

export const ID: LogId = { topic: "t", topicId: "AAAAAAAAAAAAAAAAAAAAAQ", partition: 0 };

/** A promise of the log: `asked` and `at` count the disk's changes before and after the call. */
export interface Promised {
  readonly asked: number;
  readonly at: number;
  readonly offset: number;
}

/** Something that a run does, and then notes in the run what it was promised. */
export interface CrashOperation {
  readonly name: string;
  /** How often it is chosen, relative to the others. */
  readonly weight: number;
  run(run: CrashRun): Promise<void>;
}

export interface CrashRunOptions {
  readonly env: TestEnv;
  readonly flush: FlushPolicy;
  readonly random: SeededRandom;
  readonly operations: readonly CrashOperation[];
  /** Default: small segments, so that most steps meet a roll. */
  readonly logOptions?: LogOptions;
  readonly steps?: number;
}

/** So that most deleted segments are freed in steps. */
export const STEP_BYTES = 300;
const SMALL: LogOptions = { ...OPTIONS, segmentBytes: 900, indexIntervalBytes: 100 };

export class CrashRun {
  readonly env: TestEnv;
  readonly flush: FlushPolicy;
  readonly random: SeededRandom;
  readonly logOptions: LogOptions;
  engine!: SegmentEngine;
  log!: Log;
  /** The disk's changes when the log was created. */
  created = 0;
  readonly appended: (Promised & { readonly bytes: Uint8Array })[] = [];
  /** All batches that were given an offset, acknowledged or not. */
  readonly sent = new Map<number, Uint8Array[]>();
  /** Where the log must start at least once `at` is reached, and at most from `asked` on. */
  readonly starts: Promised[] = [];
  readonly checkpoints: Promised[] = [];
  /** Where the log ended when it was made durable, whatever the flush policy. */
  readonly synced: Promised[] = [];
  #batches = 0;

  constructor({ env, flush, random, logOptions = SMALL }: CrashRunOptions) {
    this.env = env;
    this.flush = flush;
    this.random = random;
    this.logOptions = logOptions;
  }

  /** How many changes the disk has seen up to now. */
  get now(): number {
    return this.env.fs.changes.length;
  }

  async append(): Promise<void> {
    const { log, random } = this;
    const shape = { count: 1 + random.below(3), valueBytes: random.below(200) };
    const bytes = batchOf(this.#batches++ % 256, shape);
    const offset = log.nextOffset;
    const asked = this.now;
    this.sent.set(offset, [...(this.sent.get(offset) ?? []), bytes]);
    expect(await log.append(bytes, 0)).toBe(offset);
    this.appended.push({ asked, at: this.now, offset, bytes });
  }

  /** Closes the log, which makes it durable. */
  async closeLog(): Promise<void> {
    const asked = this.now;
    const offset = this.log.endOffset;
    await this.log.close();
    this.synced.push({ asked, at: this.now, offset });
  }

  /** Opens the engine anew after a stop in order. */
  async restart(): Promise<void> {
    await this.closeLog();
    await this.engine.close();
    await this.#start();
    this.log = await this.engine.open(ID, this.logOptions);
  }

  async #start(): Promise<void> {
    const { env, flush } = this;
    const deletionStepBytes = STEP_BYTES;
    this.engine = await SegmentEngine.openDirectory("/data", { env, flush, deletionStepBytes });
  }

  static async of(options: CrashRunOptions): Promise<CrashRun> {
    const run = new CrashRun(options);
    const { operations, random, steps = 25 } = options;
    await run.#start();
    run.log = await run.engine.create(ID, run.logOptions);
    run.created = run.now;
    const dice = operations.flatMap((one) => Array.from({ length: one.weight }, () => one));
    for (let step = 0; step < steps; step++) await random.pick(dice).run(run);
    return run;
  }
}

/** What retention does. */
export const RETENTION_OPERATIONS: readonly CrashOperation[] = [
  {
    name: "free the oldest segment",
    weight: 2,
    run: async (run) => {
      for await (const { endOffset } of run.log.segments()) return deleteBefore(run, endOffset);
    },
  },
  {
    name: "close a quiet segment",
    weight: 1,
    run: async (run) => {
      run.env.time.advance(run.logOptions.segmentMs + 1);
      await run.log.rollIfOld!();
    },
  },
  {
    name: "keep deleted files for a while, or no longer",
    weight: 1,
    run: async (run) => run.log.configure({ fileDeleteDelayMs: run.random.pick([0, 60_000]) }),
  },
  { name: "let that while pass", weight: 1, run: async (run) => run.env.time.advance(60_000) },
];

/** What segment logs do without retention and compaction. */
export const CORE_OPERATIONS: readonly CrashOperation[] = [
  { name: "append", weight: 12, run: (run) => run.append() },
  {
    name: "append three at once",
    weight: 4,
    run: async (run) => void (await Promise.all([run.append(), run.append(), run.append()])),
  },
  { name: "delete records", weight: 2, run: (run) => deleteBefore(run, anOffsetOf(run)) },
  {
    name: "delete records while appending",
    weight: 1,
    run: async (run) => {
      await Promise.all([run.append(), deleteBefore(run, anOffsetOf(run)), run.append()]);
    },
  },
  { name: "delete all records", weight: 1, run: (run) => deleteBefore(run, run.log.endOffset) },
  {
    name: "save a checkpoint",
    weight: 2,
    run: async (run) => {
      const asked = run.now;
      const offset = run.log.endOffset;
      await run.log.saveCheckpoint(offset, Uint8Array.of(offset));
      run.checkpoints.push({ asked, at: run.now, offset });
    },
  },
  {
    name: "close and open the log",
    weight: 1,
    run: async (run) => {
      await run.closeLog();
      run.log = await run.engine.open(ID, run.logOptions);
    },
  },
  { name: "stop and start", weight: 1, run: (run) => run.restart() },
];

async function deleteBefore(run: CrashRun, offset: number): Promise<void> {
  const asked = run.now;
  await run.log.deleteBefore(offset);
  run.starts.push({ asked, at: run.now, offset });
}

function anOffsetOf({ log, random }: CrashRun): number {
  return log.startOffset + random.below(log.endOffset - log.startOffset + 1);
}
