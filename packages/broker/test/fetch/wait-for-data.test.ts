import { expect, test } from "vitest";
import { waitForData } from "../../src/fetch/wait-for-data.ts";
import { MemoryEngine } from "../../src/log/memory.ts";
import { Partition } from "../../src/partition/partition.ts";
import { ManualTime } from "../env/manual-time.ts";
import { testEnv } from "../env/test-env.ts";
import { batchOf, headerOf } from "../partition/batches.ts";

const OPTIONS = { segmentBytes: 1 << 30, segmentMs: 1 << 30, indexIntervalBytes: 4096 };
const BATCH_BYTES = batchOf(1).byteLength;
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

async function openPartition(engine: MemoryEngine, index: number): Promise<Partition> {
  const id = { topic: "t", topicId: "6ba7b810-9dad-41d1-80b4-00c04fd430c8", partition: index };
  const held: { partition?: Partition } = {};
  const onAdvance = (sizeBytes: number) => held.partition?.advanced(sizeBytes);
  held.partition = await Partition.open(id, await engine.create(id, { ...OPTIONS, onAdvance }), 0);
  return held.partition;
}

async function waiting({ missingBytes = 1, maxWaitMs = 1000 } = {}) {
  const engine = new MemoryEngine(testEnv());
  const partitions = [await openPartition(engine, 0), await openPartition(engine, 1)];
  const time = new ManualTime();
  const stop = new AbortController();
  const watched = partitions.map((partition) => ({
    partition,
    highWatermark: partition.highWatermark,
  }));
  let isOver = false;
  const awaited = { watched, latches: [], missingBytes, maxWaitMs };
  void waitForData(awaited, time, [stop.signal]).then(() => {
    isOver = true;
  });
  const append = async (index: number) => {
    await partitions[index]!.append(batchOf(1), headerOf(batchOf(1)));
    await turn();
    return isOver;
  };
  const over = async () => {
    await turn();
    return isOver;
  };
  return { partitions, time, stop, append, over };
}

test("wakes when the missing bytes have arrived, in whichever partition", async () => {
  const { append } = await waiting({ missingBytes: 2 * BATCH_BYTES + 1 });
  expect(await append(0)).toBe(false);
  expect(await append(1)).toBe(false);
  expect(await append(0)).toBe(true);
});

test("the first batch wakes a fetch that misses one byte", async () => {
  const { append } = await waiting();
  expect(await append(1)).toBe(true);
});

test("a partition that is closed wakes at once", async () => {
  const { partitions, over } = await waiting({ missingBytes: 1 << 20 });
  await partitions[1]!.close();
  expect(await over()).toBe(true);
});

test("ends after its maximum wait, or when a signal aborts, and leaves no timer", async () => {
  const late = await waiting({ missingBytes: 1 << 20 });
  late.time.advance(999);
  expect(await late.over()).toBe(false);
  late.time.advance(1);
  expect(await late.over()).toBe(true);
  const stopped = await waiting();
  stopped.stop.abort();
  expect(await stopped.over()).toBe(true);
  expect(stopped.time.pendingTimers).toBe(0);
});
