// Compares a random history of records, copies, restarts and clocks with a model in plain arrays.
import { ErrorCode } from "@tarpan/protocol";
import { expect, test } from "vitest";
import type { LogEngine } from "../../src/log/log-engine.ts";
import { MemoryEngine } from "../../src/log/memory.ts";
import { SegmentEngine } from "../../src/log/segment/engine.ts";
import type { ManualTime } from "../env/manual-time.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";
import { type TestEnv, testEnv } from "../env/test-env.ts";
import { append, batchOf, open, reopen, stored } from "./deduplicating.ts";

const STEPS = 600;
const RULES = { ttlMs: 4_000, maxIds: 40 };

interface Known {
  readonly id: string;
  readonly offset: number;
  /** By the monotonic clock; by the wall clock in a checkpoint. */
  readonly addedMs: number;
}

class Model {
  readonly time: ManualTime;
  records: [offset: number, id: string | null][] = [];
  end = 0;
  known: Known[] = [];
  saved: Known[] = [];
  savedEnd = 0;

  constructor(time: ManualTime) {
    this.time = time;
  }

  /** The base offset that a batch is answered with. */
  produce(ids: readonly (string | null)[], hasSequence: boolean): number {
    const nowMs = this.time.monotonicMs();
    this.known = this.known.filter(({ addedMs }) => nowMs - addedMs < RULES.ttlMs);
    const originals = ids.map((id, index) => {
      const copied = this.known.find((one) => one.id === id);
      if (copied !== undefined) return copied.offset;
      this.records.push([this.end + index, id]);
      if (id !== null) this.#add({ id, offset: this.end + index, addedMs: nowMs });
      return null;
    });
    const isNew = originals.includes(null);
    const base = this.end;
    if (isNew || hasSequence) this.end += ids.length;
    if (isNew) return base;
    const isRow = originals.every((offset, index) => offset === originals[0]! + index);
    return isRow ? originals[0]! : -1;
  }

  close(): void {
    const toWallMs = this.time.wallMs() - this.time.monotonicMs();
    this.saved = this.known.map((one) => ({ ...one, addedMs: one.addedMs + toWallMs }));
    this.savedEnd = this.end;
  }

  reopen(): void {
    const nowMs = this.time.monotonicMs();
    const ageMs = (addedMs: number) => Math.max(0, this.time.wallMs() - addedMs);
    this.known = this.saved
      .map((one) => ({ ...one, addedMs: nowMs - ageMs(one.addedMs) }))
      .filter(({ addedMs }) => nowMs - addedMs < RULES.ttlMs);
    for (const [offset, id] of this.records) {
      if (offset < this.savedEnd || id === null) continue;
      this.known = this.known.filter((one) => one.id !== id);
      this.#add({ id, offset, addedMs: nowMs });
    }
  }

  #add(one: Known): void {
    this.known.push(one);
    if (this.known.length > RULES.maxIds) this.known.shift();
  }
}

const ENGINES: Record<string, (env: TestEnv) => Promise<LogEngine> | LogEngine> = {
  memory: (env) => new MemoryEngine(env),
  segment: (env) => SegmentEngine.openDirectory("/data", { env, flush: { mode: "always" } }),
};

test.each(Object.entries(ENGINES))(
  "copies are left out, and nothing else, in a random history: %s",
  async (_, engineOf) => {
    const random = new SeededRandom(seedOf("copies"));
    const env = testEnv();
    let opened = await open(await engineOf(env), { rules: RULES, time: env.time });
    const model = new Model(opened.time);
    const sequences = [0, 0];
    for (let step = 0; step < STEPS; step++) {
      const sends = Array.from({ length: 1 + random.below(3) }, () => {
        const ids = Array.from({ length: 1 + random.below(4) }, () =>
          random.chance(0.2) ? null : `id ${random.below(70)}`,
        );
        // The last one is a producer without sequences.
        const producerId = random.below(3);
        const baseSequence = sequences[producerId];
        const hasSequence = baseSequence !== undefined;
        const fields = hasSequence ? { producerId, producerEpoch: 0, baseSequence } : {};
        if (hasSequence) sequences[producerId] = baseSequence + ids.length;
        const compression = random.pick([0, 0, 1, 4]);
        const batch = batchOf(ids, { compression, ...fields });
        return [append(opened.partition, batch), model.produce(ids, hasSequence)] as const;
      });
      for (const [outcome, baseOffset] of sends) {
        expect(await outcome, `step ${step}`).toMatchObject({
          ...{ errorCode: ErrorCode.NONE, baseOffset },
        });
      }
      opened.time.advance(random.below(200));
      if (random.chance(0.95)) continue;
      if (random.chance(0.5)) {
        model.close();
        await opened.partition.close();
      } else await opened.log.close();
      if (random.chance(0.3)) opened.time.jumpWallTo(opened.time.wallMs() - random.below(9_000));
      opened.time.advance(random.below(1_000));
      opened = await reopen(opened, RULES);
      model.reopen();
    }
    expect((await stored(opened.log)).records).toEqual(model.records);
    expect(opened.log.endOffset).toBe(model.end);
  },
);
