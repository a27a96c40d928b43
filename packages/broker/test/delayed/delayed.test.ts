import { compress, crc32c } from "@tarpan/codecs";
import { ErrorCode, encodeBatch } from "@tarpan/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { DelayedBroker, type Headers } from "./delayed-broker.ts";

const DAY_MS = 86_400_000;
const TO = { "tarpan-topic": "target" };

let broker: DelayedBroker;

beforeEach(async () => {
  broker = await DelayedBroker.start();
  await broker.whole.createTopic("target", 1);
});

const values = async () => (await broker.read("target")).map(({ value }) => value);

describe("a delayed message", () => {
  it("is delivered when its time has come, not before, with its own headers", async () => {
    const atMs = broker.nowMs + 2_000;
    const headers = { ...TO, "tarpan-deliver-at": String(atMs), mine: "kept" };
    expect((await broker.send("id", "hello", headers)).errorCode).toBe(ErrorCode.NONE);
    const createdMs = broker.nowMs - 5;
    await broker.pass(1_999);
    expect(await broker.read("target")).toEqual([]);
    await broker.pass(1);
    const [delivered] = await broker.read("target");
    expect(delivered).toEqual({
      ...{ key: "id", value: "hello", timestamp: atMs },
      headers: { mine: "kept", "tarpan-id": "id", "tarpan-timestamp": String(createdMs) },
    });
  });

  it.each([
    ["tarpan-delay", "1500ms", 1_500],
    ["tarpan-delay", "level1", 1_000],
    ["tarpan-delay", "1m30s", 90_000],
  ])("is due after %s %s", async (header, value, delayMs) => {
    await broker.send("id", "x", { ...TO, [header]: value });
    await broker.pass(delayMs - 1);
    expect(await values()).toEqual([]);
    await broker.pass(1);
    expect(await values()).toEqual(["x"]);
  });

  it("is delivered at once if its time is in the past", async () => {
    await broker.send("id", "x", { ...TO, "tarpan-deliver-at": "1000" });
    await broker.settle();
    expect(await values()).toEqual(["x"]);
  });

  it("replaces the one with the same id, and a tombstone cancels it", async () => {
    await broker.send("a", "first", { ...TO, "tarpan-delay": "1s" });
    await broker.send("b", "cancelled", { ...TO, "tarpan-delay": "1s" });
    await broker.send("a", "second", { ...TO, "tarpan-delay": "3s" });
    await broker.send("b", null);
    await broker.pass(2_999);
    expect(await values()).toEqual([]);
    await broker.pass(1);
    expect(await values()).toEqual(["second"]);
  });

  it("is not led elsewhere by a header that only looks like the target's", async () => {
    const lookalike = { "\ufefftarpan-topic": "__consumer_offsets" };
    await broker.send("id", "x", { ...TO, "tarpan-delay": "1s", ...lookalike });
    await broker.pass(1_000);
    expect(await broker.read("target")).toMatchObject([{ headers: lookalike }]);
  });

  it("has another key and partition if it says so", async () => {
    await broker.whole.createTopic("wide", 4);
    const headers = { "tarpan-topic": "wide", "tarpan-partition": "2", "tarpan-key": "own" };
    await broker.send("id", "x", { ...headers, "tarpan-delay": "1s" });
    await broker.pass(1_000);
    expect((await broker.read("wide", 2)).map(({ key }) => key)).toEqual(["own"]);
  });

  it("comes after those of the same time that were produced before it", async () => {
    const atMs = String(broker.nowMs + 1_000);
    const sent = Array.from({ length: 50 }, (_, i) => `${i}`);
    for (const id of sent) await broker.send(id, id, { ...TO, "tarpan-deliver-at": atMs });
    await broker.pass(1_000);
    expect(await values()).toEqual(sent);
  });

  it("is delivered in the order of time, not of production", async () => {
    for (const seconds of [3, 1, 2]) {
      await broker.send(`${seconds}`, `${seconds}`, { ...TO, "tarpan-delay": `${seconds}s` });
    }
    await broker.pass(10_000);
    expect(await values()).toEqual(["1", "2", "3"]);
  });
});

describe("a delayed message without a target", () => {
  const LOST = { "tarpan-topic": "nowhere", "tarpan-delay": "1s" };

  it("is delivered when the target is created", async () => {
    await broker.send("id", "x", LOST);
    await broker.pass(60_000);
    await broker.whole.createTopic("nowhere", 1);
    await broker.pass(2_000);
    expect((await broker.read("nowhere")).map(({ value }) => value)).toEqual(["x"]);
  });

  it("is looked at again at a bounded rate, and delivered then", async () => {
    const timestamp = broker.nowMs;
    const headers = Object.entries(LOST).map(([key, value]) => ({
      key,
      value: Buffer.from(value),
    }));
    const records = [...Array(6_000)].map((_, n) => {
      return { key: Buffer.from(`${n}`), value: Buffer.from("x"), headers, timestamp };
    });
    await broker.whole.produce("__delayed", encodeBatch(records, { crc32c }));
    await broker.pass(3_000, 100);
    await broker.whole.createTopic("nowhere", 1);
    await broker.pass(1_000, 100);
    const { length } = await broker.read("nowhere");
    expect(length).toBeGreaterThan(0);
    expect(length).toBeLessThan(4_100);
    await broker.pass(3_000, 100);
    expect(await broker.read("nowhere")).toHaveLength(6_000);
  });

  it("becomes a dead letter ten minutes after it was due, with the reason", async () => {
    await broker.send("id", "x", LOST);
    await broker.pass(599_000, 1_000);
    expect(broker.whole.metadata.image.topics.has("nowhere.dlq")).toBe(false);
    await broker.pass(5_000, 500);
    const [letter] = await broker.read("nowhere.dlq");
    expect(letter).toMatchObject({
      ...{ key: "id", value: "x" },
      headers: {
        "__dlq.errors.topic": "nowhere",
        "__dlq.errors.partition": "-1",
        "__dlq.errors.offset": "0",
        "__dlq.errors.message": "the target topic does not exist",
      },
    });
  });

  it("becomes a dead letter at once if the partition does not exist, or it is too large", async () => {
    await broker.whole.createTopic("small", 1, { "max.message.bytes": "500" });
    const large = "x".repeat(600);
    await broker.send("a", "x", { ...TO, "tarpan-partition": "7", "tarpan-delay": "1s" });
    await broker.send("b", large, { "tarpan-topic": "small", "tarpan-delay": "1s" });
    await broker.pass(5_000, 500);
    const reasons = [await broker.read("target.dlq"), await broker.read("small.dlq")].map(
      ([letter]) => letter!.headers["__dlq.errors.message"],
    );
    expect(reasons[0]).toMatch(/target has 1 partitions, not this one/);
    expect(reasons[1]).toMatch(/exceeds the 500 of max.message.bytes/);
  });
});

describe("many messages that can't be delivered", () => {
  it("share the deliveries of their dead letters", async () => {
    for (let n = 0; n < 40; n++) {
      const headers = { ...TO, "tarpan-partition": String(5 + n), "tarpan-delay": "1s" };
      await broker.send(`${n}`, "x".repeat(n), headers);
    }
    await broker.pass(5_000, 500);
    expect(await broker.read("target.dlq")).toHaveLength(40);
    expect(new Set((await broker.read("target.dlq")).map((one) => one.timestamp)).size).toBe(1);
  });
});

describe("produce to __delayed refuses with INVALID_RECORD", () => {
  const DUE = { "tarpan-delay": "1s" };
  const cases: readonly [string, string | null, Headers, RegExp][] = [
    ["no id", null, { ...TO, ...DUE }, /has no key/],
    ["an empty id", "", { ...TO, ...DUE }, /has no key/],
    ["an id of 64 KiB", "i".repeat(65_536), { ...TO, ...DUE }, /65536 bytes: at most 1024/],
    ["no target", "id", DUE, /no header tarpan-topic/],
    ["a bad target", "id", { "tarpan-topic": "a b", ...DUE }, /characters other than/],
    ["an internal target", "id", { "tarpan-topic": "__delayed", ...DUE }, /is internal/],
    ["no time", "id", TO, /neither tarpan-deliver-at nor tarpan-delay/],
    ["two times", "id", { ...TO, ...DUE, "tarpan-deliver-at": "1" }, /use one of them/],
    ["a delay of years", "id", { ...TO, "tarpan-delay": "367d" }, /at most 366 days ahead/],
    ["a bad level", "id", { ...TO, "tarpan-delay": "level19" }, /level1 to level18/],
    ["no duration", "id", { ...TO, "tarpan-delay": "soon" }, /a duration such as/],
    ["no number", "id", { ...TO, "tarpan-deliver-at": "-5" }, /milliseconds since the epoch/],
    ["a bad partition", "id", { ...TO, ...DUE, "tarpan-partition": "x" }, /partition's number/],
    ["the broker's header", "id", { ...TO, ...DUE, "tarpan-moved-from": "1" }, /only the broker/],
  ];

  it.each(cases)("%s", async (_, id, headers, message) => {
    const answer = await broker.send(id, "x", headers);
    expect(answer.errorCode).toBe(ErrorCode.INVALID_RECORD);
    expect(answer.errorMessage).toMatch(message);
    expect(answer.recordErrors[0]!.batchIndex).toBe(0);
  });

  it("what is too large for a dead letter when it is not compressed", async () => {
    const record = {
      ...{ key: Buffer.from("id"), timestamp: broker.nowMs, value: Buffer.alloc(0) },
      headers: Object.entries({ ...TO, ...DUE }).map(([key, value]) => {
        return { key, value: Buffer.from(value) };
      }),
    };
    const send = (value: Buffer) => {
      const batch = encodeBatch([{ ...record, value }], { crc32c, compression: 1, compress });
      return broker.whole.produce("__delayed", batch);
    };
    const refused = await send(Buffer.alloc(1_044_492));
    expect(refused.errorMessage).toMatch(/when it is not compressed: at most 1044492 are allowed/);
    const manyHeaders = [...Array(50_000)].map(() => ({ key: "h", value: Buffer.from("v") }));
    record.headers = [
      ...[...record.headers, ...manyHeaders],
      { key: "tarpan-partition", value: Buffer.from("9") },
    ];
    expect((await send(Buffer.alloc(1_044_300 - 4 * 50_000))).errorCode).toBe(ErrorCode.NONE);
    await broker.pass(3_000, 500);
    expect(await broker.read("target.dlq")).toHaveLength(1);
  });

  it("the broker's header on a tombstone", async () => {
    const answer = await broker.send("id", null, { "tarpan-moved-from": "1" });
    expect(answer.errorCode).toBe(ErrorCode.INVALID_RECORD);
  });

  it("a time years ahead", async () => {
    const at = String(broker.nowMs + 367 * DAY_MS);
    const answer = await broker.send("id", "x", { ...TO, "tarpan-deliver-at": at });
    expect(answer.errorCode).toBe(ErrorCode.INVALID_RECORD);
  });
});

describe("an administrator", () => {
  it("lists what waits, by topic, time and id", async () => {
    const startMs = broker.nowMs;
    await broker.send("b", "22", { ...TO, "tarpan-delay": "2s" });
    await broker.send("a", "1", { ...TO, "tarpan-delay": "1s" });
    await broker.send("c", "3", { "tarpan-topic": "other", "tarpan-delay": "3s" });
    await broker.settle();
    const all = { id: null, topic: null, fromMs: null, toMs: null, limit: 10 };
    const ids = async (filter: Partial<typeof all> | object) => {
      const messages = await broker.admin.list({ ...all, ...filter });
      return messages.map(({ id }) => id);
    };
    expect(await ids({})).toEqual(["a", "b", "c"]);
    expect(await ids({ limit: 2 })).toEqual(["a", "b"]);
    expect(await ids({ topic: "target" })).toEqual(["a", "b"]);
    expect(await ids({ id: "c" })).toEqual(["c"]);
    expect(await ids({ fromMs: startMs + 1_500, toMs: startMs + 2_500 })).toEqual(["b"]);
    expect((await broker.admin.list({ ...all, id: "b" }))[0]).toEqual({
      ...{ id: "b", topic: "target", partition: null, sizeBytes: 2 },
      deliverAt: startMs + 2_000,
    });
  });

  it("cancels one, and is told when it is too late", async () => {
    await broker.send("a", "x", { ...TO, "tarpan-delay": "1s" });
    await broker.settle();
    await broker.admin.cancel("a");
    await expect(broker.admin.cancel("a")).rejects.toMatchObject({ kind: "not-found" });
    await broker.send("b", "delivered", { ...TO, "tarpan-delay": "1s" });
    await broker.pass(2_000);
    expect(await values()).toEqual(["delivered"]);
    await expect(broker.admin.cancel("b")).rejects.toMatchObject({ kind: "not-found" });
  });

  it("delivers one before its time", async () => {
    await broker.send("a", "x", { ...TO, "tarpan-delay": "300d" });
    await broker.settle();
    await broker.admin.deliver("a");
    await broker.settle();
    expect(await values()).toEqual(["x"]);
  });
});

describe("when the wall clock jumps", () => {
  it("ahead by a day, what is due by then is delivered within a second, and no more", async () => {
    await broker.send("hour", "in an hour", { ...TO, "tarpan-delay": "1h" });
    await broker.send("days", "in two days", { ...TO, "tarpan-delay": "2d" });
    await broker.pass(5_000);
    const { time } = broker.whole;
    time.jumpWallTo(broker.nowMs + DAY_MS);
    await broker.pass(1_000);
    expect(await values()).toEqual(["in an hour"]);
    await broker.pass(DAY_MS, 3_600_000);
    expect(await values()).toEqual(["in an hour", "in two days"]);
  });

  it("back by a day, nothing comes early by it, and all comes once it gets there", async () => {
    const dueMs = broker.nowMs + 60_000;
    await broker.send("before", "before", { ...TO, "tarpan-deliver-at": String(dueMs) });
    await broker.pass(5_000);
    const { time } = broker.whole;
    time.jumpWallTo(broker.nowMs - DAY_MS);
    // Counted from the append, by the clock as it is then.
    await broker.send("after", "after", { ...TO, "tarpan-delay": "10s" });
    await broker.pass(10_000, 500);
    expect(await values()).toEqual(["after"]);
    await broker.pass(dueMs - broker.nowMs - 1_000, 3_600_000);
    expect(await values()).toEqual(["after"]);
    time.jumpWallTo(dueMs);
    await broker.pass(1_000);
    expect(await values()).toEqual(["after", "before"]);
    expect((await broker.read("target"))[1]!.timestamp).toBeGreaterThanOrEqual(dueMs);
  });

  it("ahead, a message without a target still waits for ten minutes", async () => {
    await broker.send("id", "x", { "tarpan-topic": "nowhere", "tarpan-delay": "1s" });
    await broker.pass(5_000);
    broker.whole.time.jumpWallTo(broker.nowMs + DAY_MS);
    await broker.pass(590_000, 10_000);
    expect(broker.whole.metadata.image.topics.has("nowhere.dlq")).toBe(false);
    await broker.pass(30_000, 1_000);
    expect((await broker.read("nowhere.dlq")).map(({ value }) => value)).toEqual(["x"]);
  });
});
