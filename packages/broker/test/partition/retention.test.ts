import { setImmediate as turn } from "node:timers/promises";
import {
  ErrorCode,
  encodeBatch,
  Fetch,
  IncrementalAlterConfigs,
  ListOffsets,
  ZERO_UUID,
} from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { MemoryFiles } from "../env/memory-files.ts";
import { WholeBroker } from "../handlers/whole-broker.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const CHECK_MS = 5 * MINUTE_MS;
const MIB = 1 << 20;

describe.each(["memory", "segment"])("retention with storage %s", (storage) => {
  const start = async (configs: Record<string, string> = {}) => {
    const files = new MemoryFiles();
    const options = storage === "memory" ? { configs } : { configs, files };
    const broker = await WholeBroker.startWith(options);
    return { broker, files };
  };

  it("deletes old records of a quiet topic, and readers of deleted offsets are told", async () => {
    const { broker } = await start();
    await broker.createTopic("t", 1, { "retention.ms": `${10 * MINUTE_MS}` });
    await produce(broker, "t", { bytes: 100 });
    await pass(broker, 10 * MINUTE_MS);
    expect(await earliest(broker, "t")).toBe(0);
    await pass(broker, CHECK_MS);
    expect(await earliest(broker, "t")).toBe(1);
    expect(await fetchError(broker, "t", 0)).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
    expect(await fetchError(broker, "t", 1)).toBe(0);
    expect(await produce(broker, "t", { bytes: 100 })).toBe(1);
  });

  it("is first checked log.initial.task.delay.ms after the start", async () => {
    const { broker } = await start({ "log.initial.task.delay.ms": `${20 * MINUTE_MS}` });
    await broker.createTopic("t", 1, { "retention.ms": "1000" });
    await produce(broker, "t", { bytes: 100 });
    await pass(broker, 20 * MINUTE_MS - 1000);
    expect(await earliest(broker, "t")).toBe(0);
    await pass(broker, 1000);
    expect(await earliest(broker, "t")).toBe(1);
  });

  it("deletes the oldest records of a topic that is too large", async () => {
    const { broker } = await start();
    const configs = { "segment.bytes": `${MIB}`, "retention.bytes": `${2 * MIB}` };
    await broker.createTopic("t", 1, configs);
    for (let i = 0; i < 10; i++) await produce(broker, "t", { bytes: 600_000 });
    await pass(broker, CHECK_MS);
    const first = await earliest(broker, "t");
    // It deletes only as long as 2 MiB are left: 4 or 5 batches.
    expect(first).toBeGreaterThanOrEqual(5);
    expect(first).toBeLessThanOrEqual(6);
  });

  it("obeys a change of the topic's config, and the broker's defaults", async () => {
    const { broker } = await start({ "log.retention.minutes": "2880" });
    await broker.createTopic("t", 1, { "retention.ms": "-1" });
    await broker.createTopic("u");
    for (const topic of ["t", "u"]) await produce(broker, topic, { bytes: 100 });
    await pass(broker, DAY_MS);
    expect([await earliest(broker, "t"), await earliest(broker, "u")]).toEqual([0, 0]);
    await pass(broker, 30 * DAY_MS, DAY_MS);
    expect([await earliest(broker, "t"), await earliest(broker, "u")]).toEqual([0, 1]);
    await alter(broker, "t", "retention.ms", "1000");
    await pass(broker, CHECK_MS);
    expect(await earliest(broker, "t")).toBe(1);
  });

  it("keeps the records of a topic that is only compacted", async () => {
    const { broker } = await start();
    const configs = { "cleanup.policy": "compact", "retention.ms": "1", "retention.bytes": "1" };
    await broker.createTopic("t", 1, configs);
    await produce(broker, "t", { bytes: 100, key: "k" });
    await pass(broker, DAY_MS);
    expect(await earliest(broker, "t")).toBe(0);
    await alter(broker, "t", "cleanup.policy", "compact,delete");
    await pass(broker, CHECK_MS);
    expect(await earliest(broker, "t")).toBe(1);
  });

  it("does not keep a record from the future for ever", async () => {
    const { broker } = await start();
    const configs = {
      "retention.ms": "1000",
      "message.timestamp.after.max.ms": `${1000 * DAY_MS}`,
    };
    await broker.createTopic("t", 1, configs);
    await produce(broker, "t", { bytes: 100, timestamp: broker.time.wallMs() + 900 * DAY_MS });
    await pass(broker, CHECK_MS);
    expect(await earliest(broker, "t")).toBe(1);
  });

  it("deletes nothing because the clock jumped, until that has lasted for a day", async () => {
    const { broker } = await start();
    await broker.createTopic("t", 1, { "retention.ms": `${7 * DAY_MS}` });
    await produce(broker, "t", { bytes: 100 });
    await pass(broker, CHECK_MS);
    const { time } = broker;
    const rightMs = time.wallMs();
    time.jumpWallTo(rightMs + 365 * DAY_MS);
    await pass(broker, DAY_MS - 2 * CHECK_MS);
    expect(await earliest(broker, "t")).toBe(0);
    time.jumpWallTo(rightMs + DAY_MS - 2 * CHECK_MS);
    await pass(broker, 2 * DAY_MS);
    expect(await earliest(broker, "t")).toBe(0);
    time.jumpWallTo(rightMs - 365 * DAY_MS);
    await pass(broker, DAY_MS);
    expect(await earliest(broker, "t")).toBe(0);
    time.jumpWallTo(rightMs + 365 * DAY_MS);
    await pass(broker, DAY_MS + 2 * CHECK_MS);
    expect(await earliest(broker, "t")).toBe(1);
  });

  it("keeps what is above the log start offset when a fetch waits at its end", async () => {
    const { broker } = await start();
    await broker.createTopic("t", 1, { "retention.ms": "1000" });
    await produce(broker, "t", { bytes: 100 });
    const waiting = fetchOne(broker, "t", 1, DAY_MS);
    await pass(broker, CHECK_MS);
    expect(await earliest(broker, "t")).toBe(1);
    await produce(broker, "t", { bytes: 100 });
    expect(await waiting).toMatchObject({ errorCode: 0, logStartOffset: 1, highWatermark: 2 });
  });
});

describe("segments on a disk", () => {
  const segmentsIn = (files: MemoryFiles) =>
    files.paths().filter((path) => path.startsWith("/data/t-0/") && /\.log/.test(path));

  it("are closed when their time has come, though nobody writes", async () => {
    const files = new MemoryFiles();
    const broker = await WholeBroker.startWith({ files });
    await broker.createTopic("t", 1, { "segment.ms": `${60 * MINUTE_MS}`, "retention.ms": "-1" });
    await produce(broker, "t", { bytes: 100 });
    await pass(broker, 59 * MINUTE_MS);
    expect(segmentsIn(files)).toHaveLength(1);
    await pass(broker, 10 * MINUTE_MS);
    expect(segmentsIn(files)).toHaveLength(2);
    await pass(broker, DAY_MS);
    expect(segmentsIn(files)).toHaveLength(2);
  });

  it("are closed earlier by segment.jitter.ms, at random", async () => {
    const files = new MemoryFiles();
    const broker = await WholeBroker.startWith({ files });
    const names = Array.from({ length: 20 }, (_, i) => `t${i}`);
    const hours = (count: number) => `${count * 60 * MINUTE_MS}`;
    const configs = { "segment.ms": hours(20), "segment.jitter.ms": hours(20) };
    for (const name of names) {
      await broker.createTopic(name, 1, { ...configs, "retention.ms": "-1" });
      await produce(broker, name, { bytes: 100 });
    }
    await pass(broker, 10 * 60 * MINUTE_MS);
    const logs = files.paths().filter((path) => /^\/data\/t\d+-0\/.*\.log$/.test(path));
    expect(logs.length).toBeGreaterThan(names.length);
    expect(logs.length).toBeLessThan(2 * names.length);
  });

  it("leave the log at once, and the disk after file.delete.delay.ms or at the next start", async () => {
    const files = new MemoryFiles();
    const broker = await WholeBroker.startWith({ files });
    await broker.createTopic("t", 1, { "retention.ms": "1000", "file.delete.delay.ms": "100000" });
    await produce(broker, "t", { bytes: 100 });
    await pass(broker, CHECK_MS);
    const [deleted, active] = segmentsIn(files);
    expect(deleted).toMatch(/0{20}\.log\.deleted$/);
    expect(active).toMatch(/0{19}1\.log$/);
    await pass(broker, 100_000);
    expect(segmentsIn(files)).toEqual([active]);
  });
});

/** Lets time pass in steps, so that each check ends before the next one. */
async function pass(broker: WholeBroker, ms: number, stepMs = CHECK_MS): Promise<void> {
  for (let left = ms; left > 0; left -= stepMs) {
    broker.time.advance(Math.min(left, stepMs));
    for (let i = 0; i < 20; i++) await turn();
  }
}

async function produce(
  broker: WholeBroker,
  topic: string,
  { bytes = 100, key = null as string | null, timestamp = broker.time.wallMs() },
): Promise<number> {
  const encoded = key === null ? null : new TextEncoder().encode(key);
  const record = { key: encoded, value: new Uint8Array(bytes), timestamp };
  const { errorCode, baseOffset } = await broker.produce(topic, encodeBatch([record]));
  expect(errorCode).toBe(0);
  return baseOffset;
}

async function earliest(broker: WholeBroker, name: string): Promise<number> {
  const partitions = [{ partitionIndex: 0, timestamp: -2n }];
  const request = { replicaId: -1, topics: [{ name, partitions }] };
  const { topics } = await broker.call(ListOffsets, 5, request);
  return topics[0]!.partitions[0]!.offset;
}

async function fetchOne(broker: WholeBroker, topic: string, fetchOffset: number, maxWaitMs = 0) {
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: MIB }];
  const topics = [{ topic, topicId: ZERO_UUID, partitions }];
  const request = { maxWaitMs, minBytes: 1, topics, forgottenTopicsData: [] };
  const { responses } = await broker.call(Fetch, 12, request);
  return responses[0]!.partitions[0]!;
}

const fetchError = async (broker: WholeBroker, topic: string, offset: number) =>
  (await fetchOne(broker, topic, offset)).errorCode;

async function alter(broker: WholeBroker, topic: string, name: string, value: string) {
  const configs = [{ name, configOperation: 0, value }];
  const resources = [{ resourceType: 2, resourceName: topic, configs }];
  const request = { resources, validateOnly: false };
  const { responses } = await broker.call(IncrementalAlterConfigs, 1, request);
  expect(responses[0]!.errorCode).toBe(0);
}
