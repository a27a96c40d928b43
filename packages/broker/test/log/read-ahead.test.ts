// A reader that goes on where it ended finds the next batches read already.
import { describe, expect, it } from "vitest";
import { READ_AHEAD_KEPT_MS } from "../../src/log/limits.ts";
import type { Log } from "../../src/log/log.ts";
import type { Found } from "../../src/log/segment/collect-batches.ts";
import { ReadAhead } from "../../src/log/segment/read-ahead.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";
import { type TestEnv, testEnv } from "../env/test-env.ts";
import { baseOffsetOf, nextOffsetOf, OPTIONS } from "./batches.ts";
import { ALWAYS, FIRST, failOn, fill, restart, start } from "./segment-fixture.ts";

const BATCHES = 60;
const VALUE_BYTES = 30_000;
const READ_BYTES = 100_000;
/** Batches of READ_BYTES. */
const EACH = 3;

/** A log that is not in memory; its segments hold about 10 batches each. */
async function coldLog(segmentBytes = 1 << 30): Promise<{ env: TestEnv; log: Log }> {
  const options = { ...OPTIONS, segmentBytes };
  const { env, log, engine } = await start(ALWAYS, options);
  await fill(log, BATCHES, VALUE_BYTES);
  await engine.close();
  return restart(env, options);
}

async function basesAt(log: Log, offset: number, maxBytes = READ_BYTES, upTo?: number) {
  return (await log.read(offset, maxBytes, upTo)).map(baseOffsetOf);
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe("reading ahead", () => {
  it("begins when a reader goes on, and needs no disk when it asks", async () => {
    const { env, log } = await coldLog();
    await basesAt(log, 0);
    await basesAt(log, EACH);
    await settled();
    failOn(env, "read", "EIO");
    expect(await basesAt(log, 2 * EACH)).toEqual([6, 7, 8]);
    // What failed to be read ahead fails when the reader asks for it, and only then.
    await settled();
    await expect(log.read(3 * EACH, READ_BYTES)).rejects.toMatchObject({ kind: "offline" });
    env.fs.fault = () => {};
    expect(await basesAt(log, 3 * EACH)).toEqual([9, 10, 11]);
  });

  it("goes on in the next segment", async () => {
    const { env, log } = await coldLog(READ_BYTES);
    await basesAt(log, 0);
    await basesAt(log, EACH);
    await settled();
    failOn(env, "read", "EIO");
    expect(await basesAt(log, 2 * EACH)).toEqual([6, 7, 8]);
  });

  it("stays within the limits of the reader that asks", async () => {
    const { log } = await coldLog();
    await basesAt(log, 0);
    await basesAt(log, EACH);
    expect(await basesAt(log, 6, 70_000)).toEqual([6, 7]);
    // As much as the reader wanted last time was read ahead.
    expect(await basesAt(log, 8)).toEqual([8, 9]);
    expect(await basesAt(log, 10, READ_BYTES, 11)).toEqual([10]);
    expect(await basesAt(log, 11)).toEqual([11, 12, 13]);
    expect(await basesAt(log, 14, 1)).toEqual([14]);
  });

  it("hides no damage, and spreads none", async () => {
    const { env, log } = await coldLog();
    const batchBytes = (await log.read(0, 1))[0]!.byteLength;
    env.fs.contentOf(FIRST)[batchBytes * 8 + 100]! ^= 1;
    await basesAt(log, 0);
    await basesAt(log, EACH);
    expect(await basesAt(log, 6)).toEqual([6, 7]);
    await expect(log.read(8, READ_BYTES)).rejects.toMatchObject({ resumeOffset: 9 });
    expect(await basesAt(log, 9)).toEqual([9, 10, 11]);
  });

  it("ends well when its segment is deleted", async () => {
    const { log } = await coldLog(READ_BYTES);
    await basesAt(log, 0);
    const reading = basesAt(log, EACH);
    await log.deleteBefore(12);
    await reading.catch(() => {});
    await expect(log.read(6, READ_BYTES)).rejects.toMatchObject({ kind: "out-of-range" });
    expect(await basesAt(log, 12)).toEqual([12, 13, 14]);
  });

  it("gives random readers what is in the log", async () => {
    const seed = seedOf("reading ahead");
    const random = new SeededRandom(seed);
    const { log } = await coldLog(200_000);
    const positions = Array.from({ length: 12 }, () => 0);
    for (let i = 0; i < 400; i++) {
      const reader = random.below(positions.length);
      const offset = positions[reader]!;
      const maxBytes = [1, 70_000, READ_BYTES, 1 << 20][random.below(4)]!;
      const upTo = Math.min(BATCHES, offset + 1 + random.below(8));
      const batches = await log.read(offset, maxBytes, upTo);
      const count = batches.length;
      expect(batches.map(baseOffsetOf), `${seed}`).toEqual(
        Array.from({ length: count }, (_, k) => offset + k),
      );
      expect(count, `${seed}`).toBeGreaterThan(0);
      expect(nextOffsetOf(batches.at(-1)!), `${seed}`).toBeLessThanOrEqual(upTo);
      const isAgain = random.below(10) === 0 || offset + count === BATCHES;
      positions[reader] = isAgain ? random.below(BATCHES) : offset + count;
    }
  });
});

describe("the bound of reading ahead", () => {
  const found = { batches: [] } as unknown as Found;
  const read = () => Promise.resolve(found);

  it("refuses what does not fit, until something was taken or dropped", async () => {
    const ahead = new ReadAhead(testEnv().timers, 100);
    const first = ahead.begin(60, read)!;
    expect(ahead.begin(60, read)).toBe(null);
    await settled();
    expect(await ahead.take(first)).toBe(found);
    expect(ahead.take(first)).toBe(null);
    expect(ahead.heldBytes).toBe(0);
    ahead.drop(ahead.begin(60, read)!);
    // Its read is in progress, and needs the memory.
    expect(ahead.begin(60, read)).toBe(null);
    await settled();
    expect(ahead.begin(60, read)).not.toBe(null);
  });

  it("drops what no reader has asked for", async () => {
    const env = testEnv();
    const ahead = new ReadAhead(env.timers, 100);
    const first = ahead.begin(60, read)!;
    await settled();
    env.time.advance(READ_AHEAD_KEPT_MS);
    expect(ahead.heldBytes).toBe(60);
    env.time.advance(READ_AHEAD_KEPT_MS);
    expect(ahead.heldBytes).toBe(0);
    expect(ahead.take(first)).toBe(null);
  });
});
