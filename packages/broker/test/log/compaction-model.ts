import { compress } from "@tarpan/codecs";
import { expect } from "vitest";
import type { Log, ReadableLog } from "../../src/log/log.ts";
import type { SeededRandom } from "../env/seeded-random.ts";
import { baseOffsetOf, nextOffsetOf, readAll } from "./batches.ts";
import { batchWith, type Found, recordsOf } from "./compaction.ts";

/** What was appended to a log, and what must be true of any log that compaction made of it. */
export class CompactionModel {
  readonly #random: SeededRandom;
  readonly #keys: number;
  readonly appended: Found[] = [];
  #values = 0;

  constructor(random: SeededRandom, keys = 12) {
    this.#random = random;
    this.#keys = keys;
  }

  /** Appends a batch of random keys, a few of which are tombstones. */
  async append(log: Log, leaderEpoch = 0): Promise<void> {
    const random = this.#random;
    const pairs = Array.from({ length: 1 + random.below(4) }, () => ({
      key: `k${random.below(this.#keys)}`,
      value: random.chance(0.15) ? null : `v${this.#values++}${"x".repeat(random.below(40))}`,
      timestamp: 1000 + random.below(1000),
    }));
    const compression = random.pick([0, 0, 2, 3]);
    const baseOffset = log.nextOffset;
    const found = pairs.map((pair, i) => ({ ...pair, offset: baseOffset + i }));
    this.appended.push(...found);
    await log.append(batchWith(pairs, { compression, compress }), leaderEpoch);
  }

  /**
   * The records that are there were appended, at these offsets; batches leave no gap; and the last
   * value of each key below `ackedEnd` is there, unless a later record of the key was appended.
   */
  async check(log: ReadableLog, ackedEnd = log.endOffset): Promise<Found[]> {
    const batches = await readAll(log, 300);
    for (const [i, batch] of batches.entries()) {
      if (i > 0) expect(baseOffsetOf(batch)).toBe(nextOffsetOf(batches[i - 1]!));
    }
    const found = await recordsOf(log);
    const byOffset = new Map(this.appended.map((record) => [record.offset, record]));
    for (const record of found) expect(record).toEqual(byOffset.get(record.offset));
    const there = new Set(found.map(({ offset }) => offset));
    for (const record of this.lastOfEachKey(ackedEnd)) {
      if (record.value === null || record.offset < log.startOffset) continue;
      const what = `${record.key} at ${record.offset}`;
      expect(there.has(record.offset), `the last value of ${what} is gone`).toBe(true);
    }
    return found;
  }

  /** Records below `ackedEnd` that no later one replaces. */
  lastOfEachKey(ackedEnd: number): Found[] {
    const last = new Map<string | null, Found>();
    for (const record of this.appended) last.set(record.key, record);
    return [...last.values()].filter(({ offset }) => offset < ackedEnd);
  }
}
