import { compress, crc32c } from "@tarpan/codecs";
import { Compression, ErrorCode, encodeBatch, readBatchHeader } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { hashId, idHash } from "../../src/held/id-hash.ts";
import { encodeHeldRecord, type TakenRef } from "../../src/held/records.ts";
import { LogError } from "../../src/log/log-error.ts";
import { EMPTY_IMAGE } from "../../src/metadata/image.ts";
import { HeldHistory, nameOf, TARGET } from "./history.ts";

const text = new TextEncoder();
const LATER_MS = 3_600_000;

const valuesOf = async (history: HeldHistory) =>
  (await history.delivered()).map(({ value }) => value).sort();

function refOf(id: string, offset: number): TakenRef {
  hashId(text.encode(id));
  return { offset, word0: idHash[0]!, word1: idHash[1]!, progress: 0 };
}

/** Puts many records of another message into the log, so that it is shortened. */
async function makeLong(history: HeldHistory): Promise<void> {
  const laterMs = history.time.wallMs() + LATER_MS;
  for (let i = 0; i < 100; i++) await history.schedule("other", `${i}`, laterMs);
}

it("a message that is moved while its partition is busy is delivered after that", async () => {
  const history = await HeldHistory.begin(1);
  const nowMs = history.time.wallMs();
  history.fault = () => "not asked";
  await history.schedule("second", "second", nowMs + 1_000, 0);
  await makeLong(history);
  await history.schedule("first", "first", nowMs, 0);
  await history.pass(30_000, 60);
  expect(history.held.log.startOffset).toBeGreaterThan(100);
  history.fault = () => "none";
  await history.pass(10_000, 10);
  expect(await valuesOf(history)).toEqual(["first", "second"]);
});

it("a delivery by the leader before has the records that it names", async () => {
  const history = await HeldHistory.begin(1);
  const nowMs = history.time.wallMs();
  await history.schedule("one", "one", nowMs + LATER_MS, 0);
  const { log } = history.held;
  const append = log.append.bind(log);
  const messages = [refOf("one", 0)];
  // It was on its way into the log when this leader took over.
  log.append = (batch, leaderEpoch) => {
    const isShards = readBatchHeader(batch).maxTimestamp > nowMs;
    if (!isShards) return append(batch, leaderEpoch);
    log.append = append;
    const place = { topicId: TARGET.topicId, partition: 0, producerId: 99, firstSequence: 0 };
    const record = { ...place, timestampMs: nowMs, reason: null, isCheck: false, messages };
    const delivery = encodeHeldRecord({ kind: "delivery", ...record });
    const before = encodeBatch([{ ...delivery, timestamp: nowMs }], { crc32c });
    void append(before, leaderEpoch);
    return append(batch, leaderEpoch);
  };
  await history.schedule("two", "two", nowMs + 1_000, 0);
  await history.pass(5_000, 10);
  expect(await valuesOf(history)).toEqual(["one", "two"]);
});

it("a message that is refused takes no others with it, and is not tried all the time", async () => {
  const history = await HeldHistory.begin(1);
  const dueMs = history.time.wallMs() + 1_000;
  history.refuses = (values) => values.includes("bad");
  for (const value of ["a", "bad", "c"]) await history.schedule(value, value, dueMs, 0);
  await history.pass(3_000, 60);
  expect(await valuesOf(history)).toEqual(["a", "c"]);
  expect(history.shard.waitingCount).toBe(1);
  // Together, each alone, and the refused one as a dead letter.
  expect(history.deliveries).toBe(5);
  await history.pass(50_000, 50);
  expect(history.deliveries).toBe(5);
  history.refuses = () => false;
  await history.pass(15_000, 15);
  expect(await valuesOf(history)).toEqual(["a", "bad", "c"]);
});

it("messages that wait for a busy partition come in the order in which they were due", async () => {
  const history = await HeldHistory.begin(1);
  const nowMs = history.time.wallMs();
  history.fault = () => "not asked";
  const dueMs = [0, 900, 300, 700, 500, 100, 800, 200, 600, 400];
  for (const ms of dueMs) await history.schedule(`${ms}`, `${ms}`, nowMs + ms, 0);
  await history.pass(3_000, 60);
  history.fault = () => "none";
  await history.pass(5_000, 20);
  const values = (await history.delivered()).map(({ value }) => Number(value));
  expect(values).toEqual(dueMs.toSorted((a, b) => a - b));
});

it("a log is shortened past a damaged range", async () => {
  const history = await HeldHistory.begin(1);
  await history.schedule("early", "early", history.time.wallMs() + LATER_MS);
  await makeLong(history);
  const { log } = history.held;
  const read = log.read.bind(log);
  log.read = (offset, maxBytes, upTo = log.endOffset) => {
    const isDamaged = offset >= 40 && offset < 50;
    const damage = new LogError("corrupt", "damaged", { resumeOffset: 50 });
    if (isDamaged) return Promise.reject(damage);
    return read(offset, maxBytes, offset < 40 ? Math.min(upTo, 40) : upTo);
  };
  await history.pass(30_000, 60);
  expect(history.failures).toEqual([]);
  expect(log.startOffset).toBeGreaterThan(50);
  expect(history.shard.waitingCount).toBe(2);
});

it("a log is not written again and again while its start can't be deleted", async () => {
  const history = await HeldHistory.begin(1);
  history.fault = () => "not asked";
  const laterMs = history.time.wallMs() + LATER_MS;
  await history.schedule("stuck", "stuck", history.time.wallMs());
  await history.pass(1_000);
  for (let round = 0; round < 10; round++) {
    for (let id = 0; id < 20; id++) await history.schedule(`${id}`, "x", laterMs);
  }
  await history.pass(60_000, 120);
  const { log } = history.held;
  expect(log.endOffset).toBeLessThan(210);
  history.fault = () => "none";
  await history.pass(30_000, 60);
  expect(log.endOffset - log.startOffset).toBeLessThan(50);
  expect(await valuesOf(history)).toEqual(["stuck"]);
  expect(history.shard.waitingCount).toBe(20);
});

it("messages of a batch that was compressed are moved in parts", async () => {
  const history = await HeldHistory.begin(1);
  const nowMs = history.time.wallMs();
  const headers = [
    { key: "tarpan-topic", value: text.encode("target") },
    { key: "tarpan-deliver-at", value: text.encode(String(nowMs + LATER_MS)) },
  ];
  const records = Array.from({ length: 40 }, (_, i) => {
    return { key: text.encode(`${i}`), value: Buffer.alloc(50_000), timestamp: nowMs, headers };
  });
  const batch = encodeBatch(records, { crc32c, compression: Compression.gzip, compress });
  await history.held.append(batch, readBatchHeader(batch), nowMs);
  await makeLong(history);
  await makeLong(history);
  const { log } = history.held;
  const append = log.append.bind(log);
  let largest = 0;
  log.append = (bytes, leaderEpoch) => {
    largest = Math.max(largest, bytes.byteLength);
    return append(bytes, leaderEpoch);
  };
  await history.pass(30_000, 60);
  expect(log.startOffset).toBeGreaterThan(200);
  expect(history.shard.waitingCount).toBe(41);
  expect(largest).toBeLessThan(400_000);
});

it("a full disk or a missing producer id delays messages, and no more", async () => {
  const history = await HeldHistory.begin(1);
  await history.schedule("id", "x", history.time.wallMs() + 1_000);
  const { log } = history.held;
  const append = log.append.bind(log);
  let attempts = 0;
  const fails = () => {
    attempts += 1;
    return Promise.reject(new LogError("disk-full", "the disk is full"));
  };
  log.append = fails;
  await history.pass(10_000, 40);
  expect(attempts).toBeLessThan(12);
  const cancelling = history.shard.change("cancelled", nameOf("id"));
  await expect(cancelling).rejects.toMatchObject({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR });
  history.hasProducerIds = false;
  log.append = append;
  await history.schedule("other", "y", history.time.wallMs(), 1);
  await history.pass(10_000, 40);
  history.hasProducerIds = true;
  await history.pass(5_000, 20);
  expect(history.failures).toEqual([]);
  expect(await valuesOf(history)).toEqual(["x", "y"]);
});

it("the operator is told of a message that can't even become a dead letter", async () => {
  const history = await HeldHistory.begin(1);
  await history.schedule("id", "x".repeat(2_000_000), history.time.wallMs());
  await history.pass(25_000, 25);
  expect(history.warnings).toEqual([
    expect.stringMatching(
      /wait, .* its dead letter \(.*exceeds.*target\) for target\.dlq: .*exceeds/,
    ),
  ]);
});

it("a bug is reported, and ends the shard", async () => {
  const history = await HeldHistory.begin(1);
  history.held.log.read = () => Promise.reject(new TypeError("a bug"));
  await history.schedule("id", "x", history.time.wallMs());
  await history.settle();
  expect(history.failures.map(String)).toEqual(["TypeError: a bug", "Error: the shard has failed"]);
  expect(history.shard.failed).toBe(true);
});

it("a message that was made due stays so when it is moved and the log is loaded anew", async () => {
  const history = await HeldHistory.begin(1);
  const { image } = history;
  history.image = EMPTY_IMAGE;
  await history.schedule("id", "hurried", history.time.wallMs() + LATER_MS);
  await history.settle();
  expect(await history.shard.change("hurried", nameOf("id"))).toBe(true);
  await makeLong(history);
  await history.pass(30_000, 60);
  expect(history.held.log.startOffset).toBeGreaterThan(100);
  await history.crash();
  history.image = image;
  await history.pass(2_000);
  expect(await valuesOf(history)).toEqual(["hurried"]);
});
