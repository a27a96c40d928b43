// Compaction by a whole broker: which partitions it picks, when, and what it says.
import { setImmediate as turn } from "node:timers/promises";
import {
  DeleteTopics,
  decodeBatches,
  encodeBatch,
  Fetch,
  IncrementalAlterConfigs,
  OffsetCommit,
  ZERO_UUID,
} from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { silentLogger } from "../../src/logging/logger.ts";
import { MemoryFiles, osError } from "../env/memory-files.ts";
import { WholeBroker } from "../handlers/whole-broker.ts";

const MIB = 1 << 20;
const BACKOFF_MS = 15_000;
const COMPACT = { "cleanup.policy": "compact", "segment.bytes": `${MIB}` };
const DAY_MS = 24 * 3_600_000;
const VALUE_BYTES = 300_000;

async function start(configs: Record<string, string> = {}, onWarn = (_: string) => {}) {
  const files = new MemoryFiles();
  const logger = { ...silentLogger, level: "warn", warn: onWarn };
  return { files, broker: await WholeBroker.startWith({ files, configs, logger }) };
}

describe("the log cleaner", () => {
  it("compacts a partition once enough of it is dirty", async () => {
    const { broker } = await start();
    await broker.createTopic("t", 1, { ...COMPACT, "min.cleanable.dirty.ratio": "0.7" });
    for (const key of ["a", "b", "a", "a", "c"]) await produce(broker, key);
    await pass(broker, BACKOFF_MS);
    expect(await keysOf(broker)).toEqual(["1 b", "2 a", "3 a", "4 c"]);
    expect(broker.broker.partitions.cleaner.total).toMatchObject({ runs: 1 });
    // Of 1.5 MB that are closed 0.9 MB are dirty then.
    for (const key of ["a", "c"]) await produce(broker, key);
    await pass(broker, BACKOFF_MS);
    expect(broker.broker.partitions.cleaner.total.runs).toBe(1);
    for (const key of ["a", "a", "a"]) await produce(broker, key);
    await pass(broker, BACKOFF_MS);
    expect(broker.broker.partitions.cleaner.total.runs).toBe(2);
    expect(await keysOf(broker)).toEqual(["1 b", "6 c", "8 a", "9 a"]);
  });

  it("obeys a change of cleanup.policy, both ways", async () => {
    const { broker } = await start();
    await broker.createTopic("t", 1, { ...COMPACT, "cleanup.policy": "delete" });
    for (let i = 0; i < 6; i++) await produce(broker, "a");
    await pass(broker, 10 * BACKOFF_MS);
    expect(await keysOf(broker)).toHaveLength(6);
    await alter(broker, "cleanup.policy", "compact,delete");
    await pass(broker, BACKOFF_MS);
    expect(await keysOf(broker)).toEqual(["2 a", "3 a", "4 a", "5 a"].slice(0, 4));
    await alter(broker, "cleanup.policy", "delete");
    for (let i = 0; i < 6; i++) await produce(broker, "a");
    await pass(broker, 10 * BACKOFF_MS);
    expect(await keysOf(broker)).toHaveLength(10);
  });

  it("waits until records are min.compaction.lag.ms old", async () => {
    const { broker } = await start();
    await broker.createTopic("t", 1, { ...COMPACT, "min.compaction.lag.ms": `${10 * BACKOFF_MS}` });
    for (let i = 0; i < 6; i++) await produce(broker, "a");
    await pass(broker, 9 * BACKOFF_MS);
    expect(await keysOf(broker)).toHaveLength(6);
    await pass(broker, 2 * BACKOFF_MS);
    expect(await keysOf(broker)).toHaveLength(4);
  });

  it("does not wait longer than max.compaction.lag.ms, even in a quiet topic", async () => {
    const { broker } = await start();
    const lag = 20 * BACKOFF_MS;
    const configs = { "max.compaction.lag.ms": `${lag}`, "min.cleanable.dirty.ratio": "1" };
    await broker.createTopic("t", 1, { ...COMPACT, ...configs });
    for (const key of ["a", "a", "b"]) await produce(broker, key);
    await pass(broker, lag - BACKOFF_MS);
    expect(await keysOf(broker)).toHaveLength(3);
    // The check for retention closes the segment.
    await pass(broker, lag + 2 * BACKOFF_MS);
    expect(await keysOf(broker)).toEqual(["1 a", "2 b"]);
  });

  it("keeps tombstones when the clock jumps a year ahead", async () => {
    const { broker } = await start();
    await broker.createTopic("t", 1, COMPACT);
    const append = async () => {
      for (let i = 0; i < 6; i++) await produce(broker, "b");
    };
    await produce(broker, "a");
    await produce(broker, "a", null);
    await append();
    await pass(broker, BACKOFF_MS);
    expect(await keysOf(broker)).toContain("1 a");
    broker.time.jumpWallTo(broker.time.wallMs() + 365 * DAY_MS);
    await append();
    await pass(broker, 2 * BACKOFF_MS);
    expect(broker.broker.partitions.cleaner.total.runs).toBe(2);
    expect(await keysOf(broker)).toContain("1 a");
    // A clock that stays ahead is believed in the end.
    await pass(broker, 25 * 3_600_000, 3_600_000);
    await append();
    await pass(broker, 2 * BACKOFF_MS);
    expect(broker.broker.partitions.cleaner.total.runs).toBe(3);
    expect(await keysOf(broker)).not.toContain("1 a");
  });

  it("says which partition is damaged, and leaves it alone", async () => {
    const { broker, files } = await start();
    await broker.createTopic("t", 1, COMPACT);
    for (let i = 0; i < 6; i++) await produce(broker, "a");
    files.contentOf("/data/t-0/00000000000000000000.log")[100]! ^= 1;
    await pass(broker, 3 * BACKOFF_MS);
    const { cleaner } = broker.broker.partitions;
    const [first, ...others] = cleaner.uncleanable();
    expect(first!.hosted.id.topic).toBe("t");
    expect(first!.reason).toMatch(/batch at offset 0 is damaged/);
    expect(others).toEqual([]);
    expect(cleaner.total.runs).toBe(0);
    expect(cleaner.sinceCheckMs).toBeLessThanOrEqual(BACKOFF_MS);
  });

  for (const code of ["ENOSPC", "EIO"]) {
    it(`says once that it fails, ${code}, leaves nothing behind, and goes on later`, async () => {
      const warnings: string[] = [];
      const { broker, files } = await start({}, (line) => warnings.push(line));
      await broker.createTopic("t", 1, COMPACT);
      for (let i = 0; i < 6; i++) await produce(broker, "a");
      files.fault = (operation, path) => {
        if (operation === "sync" && path.endsWith(".cleaned")) throw osError(code, path);
      };
      await pass(broker, 5 * BACKOFF_MS);
      expect(warnings.filter((line) => /compaction failed/.test(line))).toEqual([
        expect.stringMatching(new RegExp(`t-0: compaction failed, and is tried again: .*${code}`)),
      ]);
      expect(files.paths().filter((path) => path.endsWith(".cleaned"))).toEqual([]);
      expect(await keysOf(broker)).toHaveLength(6);
      await produce(broker, "a");
      files.fault = () => {};
      await pass(broker, 3 * BACKOFF_MS);
      expect((await keysOf(broker)).length).toBeLessThan(6);
    });
  }

  it("does nothing with log.cleaner.enable=false", async () => {
    const { broker } = await start({ "log.cleaner.enable": "false" });
    await broker.createTopic("t", 1, COMPACT);
    for (let i = 0; i < 6; i++) await produce(broker, "a");
    await pass(broker, 10 * BACKOFF_MS);
    expect(await keysOf(broker)).toHaveLength(6);
  });

  it("keeps to log.cleaner.io.max.bytes.per.second", async () => {
    const { broker } = await start({ "log.cleaner.io.max.bytes.per.second": "100000" });
    await broker.createTopic("t", 1, COMPACT);
    for (let i = 0; i < 6; i++) await produce(broker, "a");
    await pass(broker, BACKOFF_MS);
    expect(broker.broker.partitions.cleaner.total.runs).toBe(0);
    // Two segments of 900 kB are read twice, at most.
    await pass(broker, 4 * BACKOFF_MS, 100);
    expect(broker.broker.partitions.cleaner.total.runs).toBe(1);
    expect(broker.broker.partitions.cleaner.total.busyMs).toBeGreaterThan(15_000);
  });

  it("leaves out __consumer_offsets, which a coordinator shortens", async () => {
    const { broker } = await start({ "offsets.topic.segment.bytes": `${MIB}` });
    await broker.createTopic("t", 100);
    await broker.broker.groups.ensureTopic();
    const committedMetadata = "m".repeat(4_096);
    for (let offset = 0; offset < 8; offset++) {
      const partitions = Array.from({ length: 100 }, (_, partitionIndex) => {
        return { partitionIndex, committedOffset: offset, committedMetadata };
      });
      const topics = [{ name: "t", partitions }];
      await broker.call(OffsetCommit, 9, { groupId: "g", memberId: "", topics });
    }
    await pass(broker, 2 * BACKOFF_MS);
    expect(broker.broker.partitions.cleaner.total.runs).toBe(0);
  });

  it("ends a run when the topic is deleted", async () => {
    const { broker, files } = await start({ "log.cleaner.io.max.bytes.per.second": "1000" });
    await broker.createTopic("t", 1, COMPACT);
    for (let i = 0; i < 6; i++) await produce(broker, "a");
    await pass(broker, BACKOFF_MS);
    await broker.call(DeleteTopics, 5, { topicNames: ["t"], timeoutMs: 1000 });
    await pass(broker, BACKOFF_MS);
    expect(files.paths().filter((path) => path.startsWith("/data/t-0"))).toEqual([]);
  });
});

/** Lets time pass in steps, so that each check ends before the next one. */
async function pass(broker: WholeBroker, ms: number, stepMs = BACKOFF_MS): Promise<void> {
  for (let left = ms; left > 0; left -= stepMs) {
    broker.time.advance(Math.min(left, stepMs));
    for (let i = 0; i < 60; i++) await turn();
  }
}

async function produce(
  broker: WholeBroker,
  key: string,
  value: Uint8Array | null = new Uint8Array(VALUE_BYTES),
): Promise<void> {
  const record = { key: new TextEncoder().encode(key), value, timestamp: broker.time.wallMs() };
  const { errorCode } = await broker.produce("t", encodeBatch([record]));
  expect(errorCode).toBe(0);
}

/** Offset and key of every record, as a consumer sees them. */
async function keysOf(broker: WholeBroker): Promise<string[]> {
  const keys: string[] = [];
  for (let fetchOffset = 0; ; ) {
    const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: MIB }];
    const topics = [{ topic: "t", topicId: ZERO_UUID, partitions }];
    const request = { maxWaitMs: 0, minBytes: 1, topics, forgottenTopicsData: [] };
    const { responses } = await broker.call(Fetch, 12, request);
    const { records, highWatermark, errorCode } = responses[0]!.partitions[0]!;
    expect(errorCode).toBe(0);
    for (const batch of decodeBatches(records as Uint8Array)) {
      for (const { offset, key } of batch.records())
        keys.push(`${offset} ${new TextDecoder().decode(key!)}`);
      fetchOffset = batch.header.lastOffset + 1;
    }
    if (fetchOffset >= highWatermark) return keys;
  }
}

async function alter(broker: WholeBroker, name: string, value: string): Promise<void> {
  const configs = [{ name, configOperation: 0, value }];
  const resources = [{ resourceType: 2, resourceName: "t", configs }];
  const { responses } = await broker.call(IncrementalAlterConfigs, 1, {
    resources,
    validateOnly: false,
  });
  expect(responses[0]!.errorCode).toBe(0);
}
