// Compaction of a log in segment files, one rule after the other.
import { compress, decompress } from "@tarpan/codecs";
import { decodeBatches, encodeEndTransaction } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import type { Log } from "../../src/log/log.ts";
import { baseOffsetOf, nextOffsetOf, OPTIONS, readAll, segmentsOf } from "./batches.ts";
import { batchWith, compact, type Pair, recordsOf } from "./compaction.ts";
import { ALWAYS, failOn, restart, start } from "./segment-fixture.ts";

const ONE_EACH = { ...OPTIONS, segmentBytes: 1 };

/** A log in which each of these batches is a segment, and the last one is the active one. */
async function logOf(...batches: (readonly Pair[] | Uint8Array)[]) {
  const started = await start(ALWAYS, ONE_EACH);
  for (const batch of batches) {
    await started.log.append(batch instanceof Uint8Array ? batch : batchWith(batch), 0);
  }
  return started;
}

const v = (key: string | null, value: string | null = "v") => ({ key, value });
const last = [v("last")];

async function left(log: Log): Promise<string[]> {
  return (await recordsOf(log)).map(({ offset, key, value }) => `${offset} ${key}=${value}`);
}

describe("compaction", () => {
  it("keeps the last record of each key at its offset", async () => {
    const { log } = await logOf([v("a", "1"), v("b", "2")], [v("a", "3"), v("c", "4")], last);
    await compact(log);
    expect(await left(log)).toEqual(["1 b=2", "2 a=3", "3 c=4", "4 last=v"]);
  });

  it("leaves no gap: batches begin where the previous one ended", async () => {
    const { log, env } = await logOf([v("a")], [v("a")], [v("b")], [v("a")], [v("a")], last);
    log.configure({ segmentBytes: 1 << 20 });
    const { freedBytes } = await compact(log);
    expect(freedBytes).toBeGreaterThan(0);
    for (const one of [log, (await restart(env, ONE_EACH)).log]) {
      const batches = await readAll(one);
      expect(batches.map(baseOffsetOf)).toEqual([0, 2, 3, 4, 5]);
      expect(batches.map(nextOffsetOf)).toEqual([2, 3, 4, 5, 6]);
      expect(await left(one)).toEqual(["2 b=v", "4 a=v", "5 last=v"]);
      expect(one.damagedRanges).toBe(0);
    }
  });

  it("never touches the active segment, and joins what is left of the others", async () => {
    const started = await logOf([v("a")], [v("b")], [v("a")], [v("a")]);
    started.log.configure({ segmentBytes: 1 << 20 });
    await compact(started.log);
    expect(await left(started.log)).toEqual(["1 b=v", "2 a=v", "3 a=v"]);
    const segments = started.env.fs.paths().filter((path) => path.endsWith(".log"));
    expect(segments.map((path) => path.slice(-6))).toEqual(["00.log", "03.log"]);
    expect(started.env.fs.paths().some((path) => /\.(cleaned|swap)$/.test(path))).toBe(false);
  });

  it("removes records without a key", async () => {
    const { log } = await logOf([v(null), v("a")], last);
    await compact(log);
    expect(await left(log)).toEqual(["1 a=v", "2 last=v"]);
  });

  it("keeps a tombstone for delete.retention.ms after the run that met it", async () => {
    const { log } = await logOf([v("a")], [v("a", null), v("b")], [v("c")], last);
    await compact(log, { nowMs: 50_000, deleteRetentionMs: 1000 });
    expect(await left(log)).toEqual(["1 a=null", "2 b=v", "3 c=v", "4 last=v"]);
    await log.append(batchWith([v("d")]), 0);
    await compact(log, { nowMs: 50_999, deleteRetentionMs: 1 });
    expect((await left(log))[0]).toBe("1 a=null");
    await log.append(batchWith([v("e")]), 0);
    await compact(log, { nowMs: 51_000 });
    expect((await left(log))[0]).toBe("2 b=v");
  });

  it("keeps timestamps when it notes when tombstones may go", async () => {
    const times = [
      { key: "a", value: null, timestamp: 5 },
      { ...v("b"), timestamp: 900_000 },
    ];
    const { log } = await logOf(times, last);
    await compact(log, { nowMs: 50_000 });
    const found = (await recordsOf(log)).map(({ timestamp }) => timestamp);
    expect(found).toEqual([5, 900_000, 1000]);
    const [first] = [...decodeBatches(await readAll(log))];
    expect(first!.header).toMatchObject({ hasDeleteHorizon: true, baseTimestamp: 51_000 });
  });

  for (const compression of [1, 2, 3, 4]) {
    it(`compresses what is left with the batch's own codec, ${compression}`, async () => {
      const pairs = [v("a", "1"), v("b", "2")];
      const { log } = await logOf(batchWith(pairs, { compression, compress }), [v("a")], last);
      await compact(log);
      const [first] = [...decodeBatches(await readAll(log), { decompress })];
      expect(first!.header).toMatchObject({ compression, recordCount: 1, lastOffset: 1 });
      expect(await left(log)).toEqual(["1 b=2", "2 a=v", "3 last=v"]);
    });
  }

  it("keeps the last batch of an active producer, without records", async () => {
    const ofProducer = (producerId: number, baseSequence: number) =>
      batchWith([v("a"), v("a")], { producerId, producerEpoch: 3, baseSequence });
    const { log } = await logOf(
      ofProducer(8, 0),
      ofProducer(8, 2),
      ofProducer(9, 0),
      [v("a")],
      last,
    );
    log.configure({ segmentBytes: 1 << 20 });
    await compact(log, { producers: Float64Array.of(8, 3) });
    const batches = [...decodeBatches(await readAll(log))];
    expect(batches.map(({ header: h }) => [h.baseOffset, h.producerId, h.recordCount])).toEqual([
      [0, -1, 0],
      [2, 8, 0],
      [4, -1, 0],
      [6, -1, 1],
      [7, -1, 1],
    ]);
    expect(batches[1]!.header).toMatchObject({ producerEpoch: 3, baseSequence: 2, lastOffset: 3 });
  });

  it("keeps control batches", async () => {
    const control = batchWith([v("a")], { control: true, producerId: 1, producerEpoch: 0 });
    const { log } = await logOf(control, [v("a")], [v("a")], last);
    await compact(log);
    expect((await readAll(log)).map(baseOffsetOf)).toEqual([0, 1, 2, 3]);
    expect(await left(log)).toEqual(["0 a=v", "2 a=v", "3 last=v"]);
  });

  const written = (...pairs: Pair[]) => {
    const fields = { transactional: true, producerId: 1, producerEpoch: 0, baseSequence: 0 };
    return batchWith(pairs, fields);
  };
  const marker = (isCommit: boolean) => {
    const producer = { producerId: 1, producerEpoch: 0, coordinatorEpoch: 0, timestamp: 5 };
    return encodeEndTransaction({ ...producer, isCommit });
  };

  it("removes aborted records, which replace nothing", async () => {
    const aborted = written(v("a", "2"), v("b", "2"));
    const again = written(v("c", "4"));
    const { log } = await logOf([v("a", "1")], aborted, marker(false), again, marker(true), last);
    await compact(log, { aborted: Float64Array.of(1, 1, 3) });
    const isMarker = (line: string) => line.includes("\0");
    const records = (await left(log)).filter((line) => !isMarker(line));
    expect(records).toEqual(["0 a=1", "4 c=4", "6 last=v"]);
  });

  it("keeps a commit's marker until its records are gone, and then as long as a tombstone", async () => {
    const { log } = await logOf(
      written(v("a", "1"), v("b", "1")),
      marker(true),
      [v("a", "2")],
      last,
    );
    const offsets = async (nowMs: number) => {
      await log.append(batchWith([v(`${nowMs}`)]), 0);
      await compact(log, { nowMs, deleteRetentionMs: 1000 });
      return (await recordsOf(log)).map(({ offset }) => offset).filter((offset) => offset < 4);
    };
    expect(await offsets(50_000)).toEqual([1, 2, 3]);
    await log.append(batchWith([v("b", "2")]), 0);
    expect(await offsets(60_000)).toEqual([2, 3]);
    expect(await offsets(60_999)).toEqual([2, 3]);
    expect(await offsets(61_000)).toEqual([3]);
  });

  it("keeps the marker of an abort for ever", async () => {
    const { log } = await logOf(written(v("a", "1")), marker(false), last);
    for (const nowMs of [50_000, 60_000, 70_000]) {
      await log.append(batchWith([v(`${nowMs}`)]), 0);
      await compact(log, { nowMs, deleteRetentionMs: 1, aborted: Float64Array.of(1, 0, 1) });
    }
    expect((await recordsOf(log)).map(({ offset }) => offset)).toEqual([1, 2, 3, 4, 5]);
  });

  it("compacts nothing from `upTo` on", async () => {
    const { log } = await logOf([v("a")], [v("a")], [v("a")], last);
    await compact(log, { upTo: 2 });
    expect(await left(log)).toEqual(["1 a=v", "2 a=v", "3 last=v"]);
  });

  it("covers offsets of different leader epochs by different batches", async () => {
    const { log } = await start(ALWAYS, ONE_EACH);
    for (const epoch of [1, 1, 4, 4, 5]) await log.append(batchWith([v("a")]), epoch);
    await log.append(batchWith(last), 5);
    log.configure({ segmentBytes: 1 << 20 });
    await compact(log);
    const batches = [...decodeBatches(await readAll(log))];
    expect(batches.map(({ header }) => [header.baseOffset, header.leaderEpoch])).toEqual([
      [0, 1],
      [2, 4],
      [4, 5],
      [5, 5],
    ]);
  });

  it("leaves segments alone that have records younger than min.compaction.lag.ms", async () => {
    const at = (timestamp: number) => [{ key: "a", value: `${timestamp}`, timestamp }];
    const { log } = await logOf(at(1000), at(2000), at(3000), at(4000), last);
    const rules = { minLagMs: 500, nowMs: 3300 };
    expect(await log.compactor!.measure(rules.minLagMs, rules.nowMs)).toMatchObject({
      cleanBytes: 0,
      oldestMs: 1000,
    });
    await compact(log, rules);
    expect(await left(log)).toEqual(["1 a=2000", "2 a=3000", "3 a=4000", "4 last=v"]);
    expect(await log.compactor!.measure(500, 3300)).toBeNull();
    await compact(log, { minLagMs: 500, nowMs: 10_000 });
    expect(await left(log)).toEqual(["3 a=4000", "4 last=v"]);
  });

  it("compacts what there is memory for, and the rest in the next run", async () => {
    const keys = ["a", "b", "c", "d", "e", "a", "b", "c", "d", "e"];
    const started = await logOf(...keys.map((key) => [v(key)]), last);
    const first = await compact(started.log, { slots: 4, loadFactor: 0.75 });
    expect(first).toMatchObject({ keys: 3, isPartial: true });
    let runs = 1;
    for (; (await started.log.compactor!.measure(0, 0)) !== null; runs++) {
      await compact(started.log, { slots: 4, loadFactor: 0.75 });
    }
    expect(runs).toBeGreaterThan(2);
    expect(await left(started.log)).toEqual(
      ["5 a=v", "6 b=v", "7 c=v", "8 d=v", "9 e=v"].concat("10 last=v"),
    );
  });

  it("refuses when there is no memory for the keys of a single batch", async () => {
    const { log } = await logOf([v("a"), v("b"), v("c")], last);
    await expect(compact(log, { slots: 3, loadFactor: 0.5 })).rejects.toMatchObject({
      kind: "busy",
      message: expect.stringContaining("log.cleaner.dedupe.buffer.size"),
    });
    expect(log.failure).toBeNull();
  });

  it("remembers what it has compacted over a restart", async () => {
    const { log, env, engine } = await logOf([v("a")], [v("a")], last);
    expect(await log.compactor!.measure(0, 0)).not.toBeNull();
    await compact(log);
    expect(await log.compactor!.measure(0, 0)).toBeNull();
    await engine.close();
    const again = await restart(env, ONE_EACH);
    expect(await again.log.compactor!.measure(0, 0)).toBeNull();
  });

  it("does not make records younger, nor does a restart after it", async () => {
    const { log, env, engine } = await logOf([v("a")], [v("a")], [v("b")], last);
    const before = (await segmentsOf(log)).map(({ newestMs }) => newestMs);
    const path = "/data/t-0/00000000000000000000.log";
    const writtenAtMs = (await env.fs.stat(path))!.modifiedMs;
    env.time.advance(1e9);
    log.configure({ segmentBytes: 1 << 20 });
    await compact(log);
    await engine.close();
    const again = await restart(env, ONE_EACH);
    expect((await env.fs.stat(path))!.modifiedMs).toBe(writtenAtMs);
    expect((await segmentsOf(again.log))[0]).toMatchObject({ endOffset: 3, newestMs: before[2] });
  });

  it("touches nothing of a log with a damaged batch", async () => {
    const { log, env } = await logOf([v("a", "1")], [v("a", "2")], last);
    const path = "/data/t-0/00000000000000000001.log";
    env.fs.contentOf(path)[64]! ^= 1;
    await expect(compact(log)).rejects.toMatchObject({ kind: "corrupt" });
    expect((await log.read(0, 1)).map(baseOffsetOf)).toEqual([0]);
    expect(env.fs.paths().some((one) => one.endsWith(".cleaned"))).toBe(false);
  });

  it("gives up when it is no longer wanted, and when the log is closed", async () => {
    const { log } = await logOf([v("a")], [v("a")], last);
    await expect(compact(log, { isWanted: () => false })).rejects.toMatchObject({ kind: "closed" });
    let closing: Promise<void> | undefined;
    const throttle = async () => {
      closing ??= log.close();
    };
    const running = compact(log, { throttle });
    await expect(running).rejects.toMatchObject({ kind: "closed" });
    await closing;
  });

  it("lets the log's start move meanwhile", async () => {
    const { log } = await logOf([v("a")], [v("b")], [v("b")], last);
    let moved: Promise<void> | null = null;
    const throttle = async () => {
      moved ??= log.deleteBefore(2);
      await moved;
    };
    await expect(compact(log, { throttle })).rejects.toMatchObject({ kind: "closed" });
    expect(await left(log)).toEqual(["2 b=v", "3 last=v"]);
    await compact(log);
    expect(await left(log)).toEqual(["2 b=v", "3 last=v"]);
  });

  for (const [code, kind, isOnline] of [
    ["ENOSPC", "disk-full", true],
    ["EIO", "offline", false],
  ] as const)
    it(`a first rename that fails with ${code} loses nothing`, async () => {
      const { log, env } = await logOf([v("a")], [v("b")], [v("a")], last);
      failOn(env, "rename", code, ".cleaned");
      await expect(compact(log)).rejects.toMatchObject({ kind });
      expect(log.failure === null).toBe(isOnline);
      env.fs.fault = () => {};
      const one = isOnline ? log : (await restart(env, ONE_EACH)).log;
      expect(await left(one)).toEqual(["0 a=v", "1 b=v", "2 a=v", "3 last=v"]);
      await compact(one);
      expect(await left(one)).toEqual(["1 b=v", "2 a=v", "3 last=v"]);
    });

  it("frees its file when the disk is full, and the log goes on", async () => {
    const { log, env } = await logOf([v("a")], [v("a")], last);
    env.fs.fault = (operation, path) => {
      if (operation === "write" && path.endsWith(".cleaned"))
        throw Object.assign(new Error("full"), { code: "ENOSPC" });
    };
    await expect(compact(log)).rejects.toMatchObject({ kind: "disk-full" });
    expect(env.fs.paths().some((one) => one.endsWith(".cleaned"))).toBe(false);
    await log.append(batchWith(last), 0);
    env.fs.fault = () => {};
    await compact(log);
    expect(await left(log)).toEqual(["1 a=v", "2 last=v", "3 last=v"]);
  });
});
