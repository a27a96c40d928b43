// What every log engine must do. An engine's test passes functions that open an engine and reopen
// it on the data of the last one.
import { crc32c, decodeBatch, encodeBatch, stampBatch, stampCreateTime } from "@tarpan/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LogId } from "../../src/log/log.ts";
import type { LogEngine } from "../../src/log/log-engine.ts";
import type { LogError } from "../../src/log/log-error.ts";
import { findByTimestamp, findMaxTimestamp } from "../../src/partition/find-by-timestamp.ts";
import { Partition } from "../../src/partition/partition.ts";
import {
  baseOffsetOf,
  batchOf,
  nextOffsetOf,
  OPTIONS,
  readAll,
  segmentsOf,
} from "../log/batches.ts";

export interface ContractSubject {
  open(): Promise<LogEngine>;
  /** Opens the engine again after it was closed; null when nothing survives closing. */
  reopen: (() => Promise<LogEngine>) | null;
  dispose(): Promise<void>;
}

let ids = 0;

/** A nats-server may fill a new stream with the messages of a deleted one of the same name. */
function newId(): LogId {
  ids += 1;
  return { topic: "orders", topicId: String(ids).padStart(22, "A"), partition: 3 };
}

export function logContract(name: string, make: () => ContractSubject): void {
  describe(`log contract: ${name}`, () => {
    let id: LogId;
    let other: LogId;
    let subject: ContractSubject;
    let engine: LogEngine;
    const start = async (options = OPTIONS) => {
      subject = make();
      engine = await subject.open();
      return engine.create(id, options);
    };
    beforeEach(() => {
      id = newId();
      other = newId();
    });
    afterEach(async () => {
      await engine.close();
      await subject.dispose();
    });

    it("starts empty", async () => {
      const log = await start();
      expect(log).toMatchObject({
        startOffset: 0,
        endOffset: 0,
        nextOffset: 0,
        maxTimestamp: -1,
        sizeBytes: 0,
        failure: null,
      });
      expect(await log.read(0, 100)).toEqual([]);
      expect(await log.offsetAt(0)).toBeNull();
      expect(await log.loadCheckpoint()).toBeNull();
    });

    it("assigns offsets during the call and serves batches once they are durable", async () => {
      const log = await start();
      let advancedBytes = 0;
      log.configure({
        onAdvance: (sizeBytes) => {
          advancedBytes += sizeBytes;
        },
      });
      const first = log.append(batchOf(1, { count: 3 }), 7);
      expect(log.nextOffset).toBe(3);
      expect(log.endOffset).toBe(0);
      const second = log.append(batchOf(2), 8);
      expect(log.nextOffset).toBe(4);
      expect(await Promise.all([first, second])).toEqual([0, 3]);
      expect(log.endOffset).toBe(4);
      expect(advancedBytes).toBe(log.sizeBytes);
      const batches = await log.read(0, 1 << 20);
      expect(batches.map(baseOffsetOf)).toEqual([0, 3]);
      const epochs = batches.map((batch) =>
        new DataView(batch.buffer, batch.byteOffset).getInt32(12),
      );
      expect(epochs).toEqual([7, 8]);
      expect(log.maxTimestamp).toBe(1002);
      expect(log.sizeBytes).toBe(batches[0]!.length + batches[1]!.length);
    });

    it("resolves appends in order", async () => {
      const log = await start();
      const order: number[] = [];
      const appends = Array.from({ length: 50 }, (_, i) =>
        log.append(batchOf(i), 0).then((offset) => order.push(offset)),
      );
      await Promise.all(appends);
      expect(order).toEqual(Array.from({ length: 50 }, (_, i) => i));
    });

    it("reads whole batches from the one that holds the offset, within bounds", async () => {
      const log = await start();
      for (let i = 0; i < 5; i++) await log.append(batchOf(i, { count: 4 }), 0);
      const size = batchOf(0, { count: 4 }).length;
      const basesOf = async (...args: [number, number, number?]) =>
        (await log.read(...args)).map(baseOffsetOf);
      expect(await basesOf(6, 1 << 20)).toEqual([4, 8, 12, 16]);
      expect(await basesOf(6, 2 * size)).toEqual([4, 8]);
      expect(await basesOf(6, 2 * size - 1)).toEqual([4]);
      expect(await basesOf(6, 0)).toEqual([4]);
      expect(await basesOf(0, 1 << 20, 8)).toEqual([0, 4]);
      expect(await basesOf(0, 1 << 20, 9)).toEqual([0, 4, 8]);
      expect(await basesOf(20, 1 << 20)).toEqual([]);
      await expect(log.read(21, 1)).rejects.toMatchObject({ kind: "out-of-range" });
      await expect(log.read(-1, 1)).rejects.toMatchObject({ kind: "out-of-range" });
    });

    it("finds offsets by timestamp, also when timestamps go back", async () => {
      const log = await start({ ...OPTIONS, segmentBytes: 500, indexIntervalBytes: 100 });
      const stamps = [100, 300, 200, 300, 500, 400];
      for (const timestamp of stamps)
        await log.append(batchOf(1, { count: 2, timestamp, valueBytes: 60 }), 0);
      expect(await log.offsetAt(0)).toBe(0);
      expect(await log.offsetAt(101)).toBe(2);
      expect(await log.offsetAt(300)).toBe(2);
      expect(await log.offsetAt(301)).toBe(8);
      expect(await log.offsetAt(501)).toBeNull();
      await log.deleteBefore(3);
      expect(await log.offsetAt(0)).toBe(3);
      await log.deleteBefore(4);
      expect(await log.offsetAt(300)).toBe(6);
      expect(await log.offsetAt(0, 5)).toBe(5);
      expect(await log.offsetAt(300, 7)).toBe(7);
      expect(await log.offsetAt(400, 10)).toBe(10);
      expect(await log.offsetAt(500, 10)).toBeNull();
      expect(await log.offsetAt(0, 12)).toBeNull();
    });

    it("finds no record by timestamp that is below a start inside a batch", async () => {
      const log = await start({ ...OPTIONS, segmentBytes: 500 });
      const partition = await Partition.open(id, log, 0);
      const timesOf = (...timestamps: number[]) =>
        encodeBatch(timestamps.map((timestamp) => ({ key: null, value: null, timestamp })));
      await log.append(timesOf(900, 100, 800, 200, 700, 300, 600, 400, 500, 450), 0);
      await log.append(timesOf(650), 0);
      await log.append(timesOf(250, 550), 0);
      const find = async (timestamp: number) =>
        (await findByTimestamp(partition, timestamp, log.endOffset))?.offset ?? null;
      const newest = () => findMaxTimestamp(partition, log.endOffset);
      expect(await Promise.all([0, 650, 800, 900].map(find))).toEqual([0, 0, 0, 0]);
      expect(await newest()).toEqual({ offset: 0, timestamp: 900 });
      await log.deleteBefore(5);
      expect(await Promise.all([0, 301, 650, 651].map(find))).toEqual([5, 6, 10, null]);
      expect(await newest()).toEqual({ offset: 10, timestamp: 650 });
      const [batch] = await log.read((await find(0))!, 1);
      expect([baseOffsetOf(batch!), nextOffsetOf(batch!)]).toEqual([0, 10]);
      await log.deleteBefore(11);
      expect(await Promise.all([0, 251, 551].map(find))).toEqual([11, 12, null]);
      expect(await newest()).toEqual({ offset: 12, timestamp: 550 });
      await log.deleteBefore(12);
      expect(await find(0)).toBe(12);
      await log.deleteBefore(13);
      expect([await find(0), await newest()]).toEqual([null, null]);
    });

    it("keeps records from before 1970, and finds none by a negative timestamp", async () => {
      const log = await start({ ...OPTIONS, segmentBytes: 300, indexIntervalBytes: 1 });
      const partition = await Partition.open(id, log, 0);
      for (const timestamp of [1, -1000, -86_400_000, 2]) {
        const batch = batchOf(1, { timestamp });
        // As the broker stores it: a batch with only negative timestamps has the maximum -1.
        stampCreateTime(batch, 0, Math.max(timestamp, -1), crc32c);
        await log.append(batch, 0);
      }
      expect(log.maxTimestamp).toBe(2);
      const stored = (await readAll(log)).flatMap((batch) => [...decodeBatch(batch).records()]);
      expect(stored.map(({ timestamp }) => timestamp)).toEqual([1, -1000, -86_400_000, 2]);
      const find = (timestamp: number) => findByTimestamp(partition, timestamp, log.endOffset);
      expect(await find(0)).toEqual({ offset: 0, timestamp: 1 });
      expect(await find(2)).toEqual({ offset: 3, timestamp: 2 });
      expect(await find(3)).toBeNull();
    });

    it("moves its start and frees the space before it", async () => {
      const log = await start({ ...OPTIONS, segmentBytes: 400 });
      for (let i = 0; i < 20; i++) await log.append(batchOf(i, { count: 2 }), 0);
      const before = log.sizeBytes;
      await log.deleteBefore(21);
      expect(log.startOffset).toBe(21);
      expect(log.sizeBytes).toBeLessThan(before);
      await expect(log.read(20, 1)).rejects.toMatchObject({ kind: "out-of-range" });
      expect((await log.read(21, 1)).map(baseOffsetOf)).toEqual([20]);
      await log.deleteBefore(5);
      expect(log.startOffset).toBe(21);
      await expect(log.deleteBefore(41)).rejects.toMatchObject({ kind: "out-of-range" });
      await log.deleteBefore(40);
      expect(await log.read(40, 100)).toEqual([]);
      expect(await log.append(batchOf(99), 0)).toBe(40);
    });

    it("lists its segments, oldest first, and frees them one by one, the last one too", async () => {
      const log = await start({ ...OPTIONS, segmentBytes: 300 });
      for (let i = 0; i < 200; i++) await log.append(batchOf(i), 0);
      const { endOffset, sizeBytes } = log;
      const segments = await segmentsOf(log);
      expect(segments.length).toBeGreaterThan(1);
      expect(segments.reduce((sum, segment) => sum + segment.sizeBytes, 0)).toBe(sizeBytes);
      expect(segments.at(-1)).toMatchObject({ endOffset, newestMs: 1000 + 199 });
      const [first] = segments;
      expect(first!.newestMs).toBe(1000 + first!.endOffset - 1);
      await log.deleteBefore(first!.endOffset);
      expect(log.sizeBytes).toBe(sizeBytes - first!.sizeBytes);
      expect(await segmentsOf(log)).toEqual(segments.slice(1));
      await log.deleteBefore(endOffset);
      expect(log.startOffset).toBe(endOffset);
      expect(log.sizeBytes).toBeLessThan(300);
      expect(await log.append(batchOf(1), 0)).toBe(endOffset);
      expect(await readAll(log)).toHaveLength(1);
    });

    it("takes a timestamp from the future for the time of the write", async () => {
      const log = await start();
      await log.append(batchOf(1, { timestamp: 1e15 }), 0);
      const [segment] = await segmentsOf(log);
      expect(segment!.newestMs).toBeGreaterThanOrEqual(0);
      expect(segment!.newestMs).toBeLessThan(1e14);
      if (subject.reopen === null) return;
      await engine.close();
      engine = await subject.reopen();
      const again = await engine.open(id, OPTIONS);
      const [reopened] = await segmentsOf(again);
      expect(Math.abs(reopened!.newestMs - segment!.newestMs)).toBeLessThan(1000);
    });

    it("keeps the newest checkpoint while the log covers it", async () => {
      const log = await start();
      for (let i = 0; i < 4; i++) await log.append(batchOf(i), 0);
      await log.saveCheckpoint(2, Uint8Array.of(1, 2));
      await log.saveCheckpoint(3, Uint8Array.of(3));
      expect(await log.loadCheckpoint()).toEqual({ offset: 3, state: Uint8Array.of(3) });
      await log.deleteBefore(3);
      expect(await log.loadCheckpoint()).toEqual({ offset: 3, state: Uint8Array.of(3) });
      await log.deleteBefore(4);
      expect(await log.loadCheckpoint()).toBeNull();
      await expect(log.saveCheckpoint(5, new Uint8Array(0))).rejects.toMatchObject({
        kind: "out-of-range",
      });
    });

    it("copies batches that are small slices of large buffers", async () => {
      const log = await start();
      const chunk = new Uint8Array(1 << 16);
      const batch = batchOf(5);
      chunk.set(batch, 1000);
      await log.append(chunk.subarray(1000, 1000 + batch.length), 0);
      chunk.fill(0xff);
      const expected = batchOf(5);
      stampBatch(expected, 0, 0, 0);
      expect((await readAll(log))[0]).toEqual(expected);
    });

    it("reopens a closed log with everything in it", async () => {
      const log = await start({ ...OPTIONS, segmentBytes: 300, indexIntervalBytes: 64 });
      for (let i = 0; i < 12; i++) await log.append(batchOf(i), 0);
      await log.deleteBefore(2);
      await log.saveCheckpoint(7, Uint8Array.of(9));
      const pending = log.append(batchOf(12), 0);
      await log.close();
      expect(await pending).toBe(12);
      await expect(log.read(3, 1)).rejects.toMatchObject({ kind: "closed" });
      await expect(log.append(batchOf(1), 0)).rejects.toMatchObject({ kind: "closed" });
      const again = await engine.open(id, OPTIONS);
      expect(again).toMatchObject({ startOffset: 2, endOffset: 13, maxTimestamp: 1012 });
      expect(await again.loadCheckpoint()).toEqual({ offset: 7, state: Uint8Array.of(9) });
      expect((await readAll(again, 1)).map(baseOffsetOf)).toEqual([
        2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
      ]);
      expect(await again.append(batchOf(13), 0)).toBe(13);
    });

    it("creates a log once, opens existing logs only, and forgets deleted ones", async () => {
      const log = await start();
      await expect(engine.create(id, OPTIONS)).rejects.toMatchObject({ kind: "exists" });
      await expect(engine.open(id, OPTIONS)).rejects.toMatchObject({ kind: "exists" });
      await expect(engine.open({ ...id, partition: 9 }, OPTIONS)).rejects.toMatchObject({
        kind: "missing",
      } satisfies Partial<LogError>);
      await engine.delete(other);
      expect(await engine.list()).toEqual([id]);
      await log.append(batchOf(1), 0);
      await engine.delete(id);
      await expect(log.append(batchOf(2), 0)).rejects.toMatchObject({ kind: "closed" });
      expect(await engine.list()).toEqual([]);
      await expect(engine.open(id, OPTIONS)).rejects.toMatchObject({ kind: "missing" });
      const successor = await engine.create(other, OPTIONS);
      expect(successor.endOffset).toBe(0);
      await successor.close();
      await expect(engine.open(id, OPTIONS)).rejects.toMatchObject({ kind: "missing" });
      expect(await engine.list()).toEqual([other]);
    });

    it("has all logs and batches after the engine was closed and reopened", async () => {
      const log = await start({ ...OPTIONS, segmentBytes: 1000 });
      if (!subject.reopen) return;
      for (let i = 0; i < 30; i++) await log.append(batchOf(i, { count: 1 + (i % 3) }), 1);
      const before = (await readAll(log)).map((batch) => batch.slice());
      await engine.close();
      engine = await subject.reopen();
      expect(engine.cleanlyClosed).toBe(true);
      expect(await engine.list()).toEqual([id]);
      const again = await engine.open(id, OPTIONS);
      expect((await readAll(again, 100)).map((batch) => batch.slice())).toEqual(before);
      expect(nextOffsetOf(before.at(-1)!)).toBe(again.endOffset);
    });

    it("refuses calls once the engine is closed", async () => {
      const log = await start();
      await engine.close();
      await expect(log.append(batchOf(1), 0)).rejects.toMatchObject({ kind: "closed" });
      await expect(engine.create(other, OPTIONS)).rejects.toMatchObject({ kind: "closed" });
    });
  });
}
