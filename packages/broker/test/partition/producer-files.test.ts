// Kafka's `.snapshot` and `.txnindex` files beside the segments of a partition.
import { expect, test } from "vitest";
import { SegmentEngine } from "../../src/log/segment/engine.ts";
import { ABORTS_KEPT_MS } from "../../src/partition/limits.ts";
import { Partition } from "../../src/partition/partition.ts";
import { osError } from "../env/memory-files.ts";
import { aloneOnTheMachine, type TestEnv, testEnv } from "../env/test-env.ts";
import { OPTIONS } from "../log/batches.ts";
import { compact } from "../log/compaction.ts";
import { headerOf, producerBatch } from "./batches.ts";
import { indexAt, offsetsOf, pathOf, snapshotAt } from "./producer-files.ts";
import { end, ID, open, send } from "./transactions.ts";

/** A segment has room for three batches of one record. */
const SMALL = { ...OPTIONS, segmentBytes: 260 };

async function engineOn(env: TestEnv, lines: string[] = []): Promise<SegmentEngine> {
  const log = (line: string) => void lines.push(line);
  const again = { ...env, processes: aloneOnTheMachine() };
  return SegmentEngine.openDirectory("/data", { env: again, flush: { mode: "always" }, log });
}

async function start(options = OPTIONS, env = testEnv()) {
  const lines: string[] = [];
  const engine = await engineOn(env, lines);
  const partition = await Partition.open(ID, await engine.create(ID, options), 0);
  return { env, engine, partition, lines };
}

/** Transactions of three producers: committed, aborted, open. */
async function fill(partition: Partition): Promise<void> {
  await send(partition, { producerId: 1, count: 2 });
  await send(partition, { producerId: 1, sequence: 2, count: 3 });
  await end(partition, true, { producerId: 1, coordinatorEpoch: 4 });
  await send(partition, { producerId: 2, epoch: 7 });
  await send(partition, { producerId: 3, epoch: 1, transactional: true });
  // With an epoch for each transaction the marker has a newer one.
  await end(partition, false, { producerId: 2, epoch: 8, coordinatorEpoch: 5, bumpsEpoch: true });
}

async function closed(env: TestEnv, engine: SegmentEngine, partition: Partition) {
  await partition.close();
  await engine.close();
  const lines: string[] = [];
  return { lines, reopen: async () => open(await engineOn(env, lines)) };
}

test("say after a stop what Kafka's would say", async () => {
  const { env, engine, partition } = await start();
  await fill(partition);
  await closed(env, engine, partition);
  expect(offsetsOf(env.fs, ".snapshot")).toEqual([9]);
  const nothing = { lastSequence: -1, lastOffset: -1, offsetDelta: 0 };
  expect(snapshotAt(env.fs, 9)).toEqual([
    {
      ...{ producerId: 1, epoch: 0, lastSequence: 4, lastOffset: 4, offsetDelta: 2 },
      ...{ timestamp: 1002, coordinatorEpoch: 4, currentTxnFirstOffset: -1 },
    },
    {
      ...{ producerId: 2, epoch: 8, ...nothing },
      ...{ timestamp: 1000, coordinatorEpoch: 5, currentTxnFirstOffset: -1 },
    },
    {
      ...{ producerId: 3, epoch: 1, lastSequence: 0, lastOffset: 7, offsetDelta: 0 },
      ...{ timestamp: 1000, coordinatorEpoch: -1, currentTxnFirstOffset: 7 },
    },
  ]);
  const aborted = { producerId: 2, firstOffset: 6, lastOffset: 8, lastStableOffset: 7 };
  expect(indexAt(env.fs, 0)).toEqual([aborted]);
});

test("are not there as long as there is nothing to say", async () => {
  const { env, engine, partition } = await start(SMALL);
  for (let i = 0; i < 7; i++) {
    const batch = producerBatch(-1, { producerId: -1, producerEpoch: -1 });
    await partition.append(batch, headerOf(batch));
  }
  const { reopen } = await closed(env, engine, partition);
  await (await reopen()).close();
  expect(offsetsOf(env.fs, ".log").length).toBeGreaterThan(2);
  expect(offsetsOf(env.fs, ".snapshot")).toEqual([]);
  expect(offsetsOf(env.fs, ".txnindex")).toEqual([]);
});

test("go with their segments, and of other snapshots only the newest stays", async () => {
  const { env, engine, partition } = await start({ ...SMALL, fileDeleteDelayMs: 60_000 });
  for (let i = 0; i < 8; i++) {
    await send(partition, { producerId: i });
    await end(partition, false, { producerId: i });
  }
  await partition.close();
  const bases = offsetsOf(env.fs, ".log");
  expect(offsetsOf(env.fs, ".snapshot")).toEqual([...bases.slice(1), 16]);
  expect(offsetsOf(env.fs, ".txnindex")).toEqual(bases);
  const again = await Partition.open(ID, await engine.open(ID, SMALL), 0);
  await send(again, { producerId: 9 });
  again.log.configure({ fileDeleteDelayMs: 60_000 });
  await again.deleteBefore(bases[3]!);
  expect(offsetsOf(env.fs, ".txnindex")).toEqual(bases.slice(3));
  expect(offsetsOf(env.fs, ".snapshot.deleted")).toEqual(bases.slice(1, 3));
  expect(offsetsOf(env.fs, ".txnindex.deleted")).toEqual(bases.slice(0, 3));
  env.time.advance(60_000);
  await again.close();
  await engine.close();
  expect(env.fs.paths().filter((path) => path.endsWith(".deleted"))).toEqual([]);
  expect(offsetsOf(env.fs, ".snapshot")).toEqual([...bases.slice(3), 17]);
});

const HARMS: Record<string, (env: TestEnv) => unknown> = {
  "a damaged snapshot": ({ fs }) => {
    fs.contentOf(pathOf(9, ".snapshot"))[20]! ^= 1;
  },
  "a missing snapshot": async ({ fs }) => {
    await fs.remove(pathOf(9, ".snapshot"));
    // Only with another one it is known that there was one.
    await (await fs.open(pathOf(3, ".snapshot"), { create: true })).close();
  },
  "a damaged index": ({ fs }) => {
    fs.contentOf(pathOf(0, ".txnindex"))[9]! ^= 1;
  },
  "a missing index": ({ fs }) => fs.remove(pathOf(0, ".txnindex")),
};

test.each(Object.entries(HARMS))("%s is told and written again", async (_, harm) => {
  const { env, engine, partition } = await start();
  await fill(partition);
  const { reopen, lines } = await closed(env, engine, partition);
  const before = [snapshotAt(env.fs, 9), indexAt(env.fs, 0)];
  await harm(env);
  const again = await reopen();
  expect(lines.filter((line) => /missing or damaged, and is written again/.test(line)).length).toBe(
    1,
  );
  expect([snapshotAt(env.fs, 9), indexAt(env.fs, 0)]).toEqual(before);
  expect(offsetsOf(env.fs, ".snapshot")).toEqual([9]);
  expect(again.lastStableOffset).toBe(7);
});

test("cost an open log one call each when they are right", async () => {
  const { env, engine, partition } = await start();
  await fill(partition);
  const { reopen, lines } = await closed(env, engine, partition);
  const calls: string[] = [];
  env.fs.fault = (operation, path) => {
    if (/snapshot|txnindex/.test(path)) calls.push(`${operation} ${path.slice(-9)}`);
  };
  await reopen();
  expect(calls).toEqual(["read .txnindex", "read .snapshot"]);
  expect(lines).toEqual([]);
});

test("that can't be written are reported, harm nothing, and come later", async () => {
  const { env, engine, partition, lines } = await start(SMALL);
  env.fs.fault = (operation, path) => {
    if (operation === "sync" && /snapshot|txnindex/.test(path)) throw osError("EIO", path);
  };
  for (let i = 0; i < 4; i++) {
    await send(partition, { producerId: i });
    await end(partition, false, { producerId: i });
  }
  await new Promise(setImmediate);
  expect(lines.join("\n")).toMatch(/cannot write Kafka's files of producers/);
  env.fs.fault = () => {};
  expect(partition.log.failure).toBe(null);
  const { reopen } = await closed(env, engine, partition);
  const bases = offsetsOf(env.fs, ".log");
  expect(offsetsOf(env.fs, ".txnindex")).toEqual(bases);
  expect(offsetsOf(env.fs, ".snapshot")).toEqual([8]);
  await reopen();
});

test("are not written for a log that is deleted", async () => {
  const { env, engine, partition } = await start();
  await fill(partition);
  const from = env.fs.changes.length;
  await engine.delete(ID);
  const made = env.fs.changes.slice(from).filter(({ kind }) => kind === "make");
  expect(JSON.stringify(made)).not.toMatch(/snapshot|txnindex/);
});

test("forget an aborted transaction when the second compaction finds no record of it", async () => {
  const { env, engine, partition } = await start(SMALL);
  const abortOne = async (producerId: number) => {
    await send(partition, { producerId });
    await end(partition, false, { producerId });
  };
  const clean = async () => {
    const { cleanedTo } = await compact(partition.log, {
      aborted: partition.abortedRanges(),
      producers: partition.lastOffsetsOfProducers(),
    });
    await partition.compacted(cleanedTo, env.time.monotonicMs());
    return cleanedTo;
  };
  for (let i = 0; i < 4; i++) await abortOne(i);
  const first = await clean();
  expect(indexAt(env.fs, 0)[0]).toMatchObject({ producerId: 0, firstOffset: 0, lastOffset: 1 });
  for (let i = 4; i < 8; i++) await abortOne(i);
  env.time.advance(ABORTS_KEPT_MS - 1);
  await clean();
  // Somebody may still be reading it.
  expect(partition.abortedRanges()).toContain(1);
  for (let i = 8; i < 10; i++) await abortOne(i);
  env.time.advance(1);
  await clean();
  const known = offsetsOf(env.fs, ".txnindex").flatMap((base) => indexAt(env.fs, base));
  expect(known.map(({ lastOffset }) => lastOffset)).not.toContain(1);
  for (const { lastOffset } of known) expect(lastOffset).toBeGreaterThanOrEqual(first);
  const { reopen, lines } = await closed(env, engine, partition);
  const again = await reopen();
  expect(lines).toEqual([]);
  expect(again.lastStableOffset).toBe(20);
});

test("describe the producers at a segment's start, though they go on meanwhile", async () => {
  const PRODUCERS = 1_500;
  const { env, engine } = await start(OPTIONS);
  await engine.delete(ID);
  let turns = 0;
  let sequence = 0;
  let isBusy = false;
  const nextTurn = async () => {
    turns += 1;
    if (!isBusy) return;
    // The last producer writes more than is remembered of one, before it is its turn.
    for (let i = 0; i < 10; i++) {
      expect((await append(PRODUCERS - 1, ++sequence)).errorCode).toBe(0);
    }
  };
  const log = await engine.create(ID, OPTIONS);
  const partition = await Partition.open(ID, log, 0, nextTurn);
  const append = (producerId: number, sequence: number) => {
    const batch = producerBatch(sequence, { producerId });
    return partition.append(batch, headerOf(batch));
  };
  await Promise.all(Array.from({ length: PRODUCERS }, (_, i) => append(i, 0)));
  isBusy = true;
  turns = 0;
  env.time.advance(OPTIONS.segmentMs + 1);
  await log.rollIfOld!();
  while (offsetsOf(env.fs, ".snapshot").length === 0) await new Promise(setImmediate);
  const entries = snapshotAt(env.fs, PRODUCERS);
  expect(turns).toBe(Math.floor(PRODUCERS / 1_000));
  expect(log.endOffset).toBe(PRODUCERS + 10 * turns);
  expect(entries).toHaveLength(PRODUCERS);
  for (const { producerId, lastOffset, lastSequence } of entries) {
    expect([lastOffset, lastSequence]).toEqual([producerId, 0]);
  }
});
