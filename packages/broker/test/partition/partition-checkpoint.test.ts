import { expect, test } from "vitest";
import type { Log } from "../../src/log/log.ts";
import { SegmentEngine } from "../../src/log/segment/engine.ts";
import type { CheckpointEntries } from "../../src/partition/checkpoint-entries.ts";
import { ENTRIES_PER_CHUNK, MAX_PRODUCERS_PER_PARTITION } from "../../src/partition/limits.ts";
import { Partition } from "../../src/partition/partition.ts";
import {
  type CheckpointSlice,
  decodeCheckpoint,
  encodeCheckpoint,
  UnusableCheckpoint,
} from "../../src/partition/partition-checkpoint.ts";
import { testEnv } from "../env/test-env.ts";
import { OPTIONS } from "../log/batches.ts";
import { ID, World } from "../log/jetstream/world.ts";
import { headerOf, producerBatch } from "./batches.ts";

function checkpointOf(producers: number, messageIds = 0, transactions = 0) {
  return {
    producers: Array.from({ length: producers }, (_, i) => ({
      producerId: 2 ** 40 + i,
      batches: Array.from({ length: 1 + (i % 5) }, (_, n) => ({
        epoch: i % 32_768,
        firstSequence: 2 ** 31 - 1 - n,
        lastSequence: n,
        baseOffset: 2 ** 45 + i,
        lastOffset: 2 ** 45 + i + n,
        timestamp: n === 0 ? -1 : 1_700_000_000_000 + i,
      })),
    })),
    epochs: [
      { epoch: 0, startOffset: 0 },
      { epoch: 7, startOffset: 2 ** 50 },
    ],
    messageIds: Array.from({ length: messageIds }, (_, i) => ({
      words: [i, ~i, 2 ** 31 - 1, -(2 ** 31)],
      offset: 2 ** 45 + i,
      appendedMs: 1_700_000_000_000.5 + i,
    })),
    markers: Array.from({ length: transactions }, (_, i) => ({
      ...{ producerId: 2 ** 40 + i, epoch: i % 32_768, coordinatorEpoch: i, offset: 2 ** 46 + i },
      timestamp: 1_700_000_000_000 + i,
    })),
    openTransactions: Array.from({ length: transactions }, (_, i) => ({
      ...{ producerId: 2 ** 41 + i, firstOffset: 2 ** 46 + i },
    })),
    abortedTransactions: Array.from({ length: transactions }, (_, i) => ({
      ...{ producerId: 2 ** 42 + i, firstOffset: 2 ** 46 + i, lastOffset: 2 ** 47 + i },
      lastStableOffset: 2 ** 48 + i,
    })),
  };
}

const encoded = (checkpoint: CheckpointEntries) => Buffer.concat([...encodeCheckpoint(checkpoint)]);

function decoded(bytes: Uint8Array): CheckpointSlice {
  const slices = [...decodeCheckpoint(bytes)];
  return {
    producers: slices.flatMap(({ producers }) => producers),
    epochs: slices.flatMap(({ epochs }) => epochs),
    messageIds: slices.flatMap((slice) => slice.messageIds),
    markers: slices.flatMap(({ markers }) => markers),
    openTransactions: slices.flatMap(({ openTransactions }) => openTransactions),
    abortedTransactions: slices.flatMap(({ abortedTransactions }) => abortedTransactions),
  };
}

test("is decoded as it was encoded, in chunks", () => {
  const everything = checkpointOf(7, 7, ENTRIES_PER_CHUNK + 1);
  expect(decoded(encoded(everything))).toEqual(everything);
  const checkpoint = checkpointOf(2 * ENTRIES_PER_CHUNK + 1);
  expect(decoded(encoded(checkpoint))).toEqual(checkpoint);
  // The head, one chunk of epochs, three of producers, the end.
  expect([...encodeCheckpoint(checkpoint)]).toHaveLength(6);
});

test("has message ids in chunks of their own, and a format number that says so", () => {
  const checkpoint = checkpointOf(1, 2 * ENTRIES_PER_CHUNK + 1);
  expect(decoded(encoded(checkpoint))).toEqual(checkpoint);
  expect([...encodeCheckpoint(checkpoint)]).toHaveLength(1 + 3 + 1 + 1 + 1);
  const formatOf = (bytes: Uint8Array) => bytes[7];
  expect(formatOf(encoded(checkpoint))).toBe(3);
  // Releases before message ids read this.
  expect(formatOf(encoded(checkpointOf(1)))).toBe(2);
  expect(formatOf(encoded(checkpointOf(1, 0, 1)))).toBe(4);
});

test("is decoded from the JSON of earlier releases", () => {
  const checkpoint = checkpointOf(3);
  const json = new TextEncoder().encode(
    JSON.stringify({ format: 1, ...checkpoint, messageIds: null }),
  );
  expect(decoded(json)).toEqual(checkpoint);
});

test("is not used when any byte of it is wrong or missing", () => {
  const bytes = encoded(checkpointOf(2, 2, 2));
  for (let at = 0; at < bytes.length; at++) {
    const damaged = Uint8Array.from(bytes);
    damaged[at]! ^= 0x40;
    expect(() => decoded(damaged), `byte ${at}`).toThrow(UnusableCheckpoint);
    expect(() => decoded(bytes.subarray(0, at)), `cut at ${at}`).toThrow(UnusableCheckpoint);
  }
  const later = new TextEncoder().encode(JSON.stringify({ format: 3 }));
  expect(() => decoded(later)).toThrow(UnusableCheckpoint);
});

/** A partition with as many producers as it can remember. */
async function fill(partition: Partition): Promise<void> {
  const appends: Promise<unknown>[] = [];
  for (let producerId = 0; producerId < MAX_PRODUCERS_PER_PARTITION; producerId++) {
    const batch = producerBatch(0, { producerId });
    appends.push(partition.append(batch, headerOf(batch)));
  }
  await Promise.all(appends);
}

/** Counts the reads of the log, and the turns, while the partition is opened. */
async function openCounting(log: Log) {
  const counts = { reads: 0, turns: 0 };
  const read = log.read.bind(log);
  log.read = (...wanted) => {
    counts.reads += 1;
    return read(...wanted);
  };
  const partition = await Partition.open(ID, log, 1, async () => {
    counts.turns += 1;
  });
  return { partition, counts };
}

const CHUNKS = MAX_PRODUCERS_PER_PARTITION / ENTRIES_PER_CHUNK;

async function expectKnown({ partition, counts }: Awaited<ReturnType<typeof openCounting>>) {
  expect(counts.reads).toBe(0);
  expect(counts.turns).toBeGreaterThanOrEqual(CHUNKS);
  expect(partition.producerCount).toBe(MAX_PRODUCERS_PER_PARTITION);
}

test("of 100,000 producers saves a scan of segment files", { timeout: 60_000 }, async () => {
  const engine = await SegmentEngine.openDirectory("/data", {
    env: testEnv(),
    flush: { mode: "never" },
  });
  let turns = 0;
  const log = await engine.create(ID, OPTIONS);
  const partition = await Partition.open(ID, log, 0, async () => {
    turns += 1;
  });
  await fill(partition);
  await partition.close();
  expect(turns).toBeGreaterThanOrEqual(CHUNKS);
  const again = await openCounting(await engine.open(ID, OPTIONS));
  await expectKnown(again);
  const copy = producerBatch(0, { producerId: 77 });
  expect(await again.partition.append(copy, headerOf(copy))).toMatchObject({ baseOffset: 77 });
});

test("of 100,000 producers saves a scan of a stream", { timeout: 60_000 }, async () => {
  const world = new World();
  const { replication } = world.engine();
  await world.run(replication.provision(ID, OPTIONS));
  const log = await world.run(replication.lead(ID, { ...OPTIONS, leaderEpoch: 0 }));
  const partition = await world.run(Partition.open(ID, log, 0));
  await world.run(fill(partition));
  await world.run(partition.close());
  // Another broker takes over.
  const next = world.engine().replication.lead(ID, { ...OPTIONS, leaderEpoch: 1 });
  const led = await world.run(next);
  await expectKnown(await world.run(openCounting(led)));
});

test("that cannot be used leads to a scan of the log", async () => {
  const world = new World();
  const { replication } = world.engine();
  await world.run(replication.provision(ID, OPTIONS));
  const log = await world.run(replication.lead(ID, { ...OPTIONS, leaderEpoch: 0 }));
  const partition = await world.run(Partition.open(ID, log, 0));
  const batch = producerBatch(0);
  await world.run(partition.append(batch, headerOf(batch)));
  const bytes = encoded(checkpointOf(ENTRIES_PER_CHUNK + 1));
  bytes[bytes.length - 30]! ^= 1;
  await world.run(log.saveCheckpoint(1, bytes));
  const { partition: again } = await world.run(openCounting(log));
  expect(again.producerCount).toBe(1);
});

test("closing waits for one in progress, and saves its own", async () => {
  const engine = await SegmentEngine.openDirectory("/data", {
    env: testEnv(),
    flush: { mode: "never" },
  });
  const log = await engine.create(ID, OPTIONS);
  const partition = await Partition.open(ID, log, 0, () => new Promise(setImmediate));
  const append = (batch: Uint8Array) => partition.append(batch, headerOf(batch));
  await append(producerBatch(0));
  const first = partition.checkpoint();
  await append(producerBatch(1));
  await partition.close();
  await first;
  const { counts } = await openCounting(await engine.open(ID, OPTIONS));
  expect(counts.reads).toBe(0);
});

test("is saved again only if the log has grown or message ids were forgotten", async () => {
  const env = testEnv();
  const engine = await SegmentEngine.openDirectory("/data", { env, flush: { mode: "never" } });
  await (await engine.create(ID, OPTIONS)).close();
  const rules = { ttlMs: 1000, maxIds: 10 };
  const savesOf = async (use: (partition: Partition) => unknown) => {
    const log = await engine.open(ID, OPTIONS);
    let saves = 0;
    const save = log.saveCheckpoint.bind(log);
    log.saveCheckpoint = (...checkpoint) => {
      saves += 1;
      return save(...checkpoint);
    };
    const partition = await Partition.open(ID, log, 0);
    await use(partition);
    await partition.close();
    return saves;
  };
  const append = (batch: Uint8Array) => (partition: Partition) =>
    partition.append(batch, headerOf(batch));
  expect(await savesOf(() => {})).toBe(0);
  expect(await savesOf(append(producerBatch(0)))).toBe(1);
  expect(await savesOf(() => {})).toBe(0);
  expect(await savesOf((partition) => partition.checkpoint())).toBe(0);
  expect(await savesOf((partition) => partition.deduplicate(null, env.clock))).toBe(0);
  expect(await savesOf((partition) => partition.deduplicate(rules, env.clock))).toBe(1);
  expect(await savesOf(append(producerBatch(1)))).toBe(1);
  const { partition, counts } = await openCounting(await engine.open(ID, OPTIONS));
  expect(counts.reads).toBe(0);
  expect(partition.producerCount).toBe(1);
});
