import { crc32c } from "@tarpan/codecs";
import { ErrorCode, encodeBatch, IncrementalAlterConfigs } from "@tarpan/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import type { Headers } from "../held/held-broker.ts";
import { GROUP, HalfBroker } from "./half-broker.ts";

let broker: HalfBroker;

beforeEach(async () => {
  broker = await HalfBroker.start();
  await broker.whole.createTopic("target", 1);
});

const values = async () => (await broker.read("target")).map(({ value }) => value);

describe("a half message", () => {
  it("is delivered when it is committed, not before, with its own headers", async () => {
    expect((await broker.half("id", "hello", { mine: "kept" })).errorCode).toBe(ErrorCode.NONE);
    const createdMs = broker.nowMs - 5;
    await broker.pass(3_000);
    expect(await broker.read("target")).toEqual([]);
    expect((await broker.resolve("id", "commit")).errorCode).toBe(ErrorCode.NONE);
    await broker.settle();
    expect(await broker.read("target")).toEqual([
      {
        ...{ key: "id", value: "hello", timestamp: broker.nowMs },
        headers: { mine: "kept", "tarpan-id": "id", "tarpan-timestamp": String(createdMs) },
      },
    ]);
    await broker.pass(600_000, 5_000);
    expect(await values()).toEqual(["hello"]);
    expect(await broker.checks()).toEqual([]);
  });

  it("is gone when it is rolled back", async () => {
    await broker.half("id", "x");
    await broker.resolve("id", "rollback");
    await broker.resolve("id", "commit");
    await broker.pass(600_000, 5_000);
    expect(await values()).toEqual([]);
    expect(await broker.checks()).toEqual([]);
    expect(broker.whole.metadata.image.topics.has("target.dlq")).toBe(false);
  });

  it("is not rolled back after it was committed, nor delivered twice", async () => {
    await broker.half("id", "x");
    await broker.resolve("id", "commit");
    await broker.resolve("id", "rollback");
    await broker.resolve("id", "commit");
    await broker.pass(60_000, 1_000);
    expect(await values()).toEqual(["x"]);
    expect(broker.whole.broker.halfMessages.counts).toMatchObject({ committed: 1, ignored: 2 });
  });

  it("is not found by another producer group, nor by a resolution before it", async () => {
    await broker.resolve("id", "commit");
    await broker.half("id", "x");
    await broker.resolve("id", "commit", "strangers");
    await broker.resolve("id", "rollback", "strangers");
    await broker.pass(5_000);
    expect(await values()).toEqual([]);
    expect(broker.whole.broker.halfMessages.counts.ignored).toBe(3);
    await broker.resolve("id", "commit");
    await broker.settle();
    expect(await values()).toEqual(["x"]);
  });

  it("has another key and partition if it says so", async () => {
    await broker.whole.createTopic("wide", 4);
    const headers = { "tarpan-topic": "wide", "tarpan-partition": "2", "tarpan-key": "own" };
    await broker.half("id", "x", headers);
    await broker.resolve("id", "commit");
    await broker.settle();
    expect((await broker.read("wide", 2)).map(({ key }) => key)).toEqual(["own"]);
  });

  it("replaces one with its id that is not resolved, and leaves alone one that is", async () => {
    await broker.half("id", "first");
    await broker.half("id", "second");
    await broker.resolve("id", "commit");
    await broker.half("id", "third");
    await broker.pass(5_000);
    expect(await values()).toEqual(["second"]);
    await broker.resolve("id", "commit");
    await broker.settle();
    expect(await values()).toEqual(["second", "third"]);
  });

  it("is delivered in the order of the commits", async () => {
    for (const id of ["a", "b", "c"]) await broker.half(id, id);
    const records = ["c", "a", "b"].map((id) => ({
      ...{ key: Buffer.from(id), value: null, timestamp: broker.nowMs },
      headers: [
        { key: "tarpan-producer-group", value: Buffer.from(GROUP) },
        { key: "tarpan-resolution", value: Buffer.from("commit") },
      ],
    }));
    await broker.whole.produce("__half_messages", encodeBatch(records, { crc32c }));
    await broker.settle();
    expect(await values()).toEqual(["c", "a", "b"]);
  });

  it("is checked at its time, whatever its client says of a move", async () => {
    const startMs = broker.nowMs;
    const ids = ["soon", "1e300", "99999999999999"];
    const headers = (next: string) => [
      { key: "tarpan-producer-group", value: Buffer.from(GROUP) },
      { key: "tarpan-topic", value: Buffer.from("target") },
      { key: "tarpan-moved-from", value: null },
      { key: "tarpan-moved-next", value: Buffer.from(next) },
      { key: "tarpan-moved-progress", value: Buffer.from("-1") },
    ];
    const records = ids.map((id) => ({
      ...{ key: Buffer.from(id), value: Buffer.from("x"), timestamp: startMs - 5 },
      headers: headers(id),
    }));
    await broker.whole.createTopic(`${GROUP}.checks`, 4);
    await broker.whole.produce("__half_messages", encodeBatch(records, { crc32c }));
    await broker.pass(5_500, 500);
    expect(await broker.checks()).toEqual([]);
    await broker.pass(1_000, 500);
    const checks = await broker.checks();
    expect(checks.map(({ key }) => key).sort()).toEqual(ids.toSorted());
    for (const { headers } of checks) {
      expect(headers["tarpan-timestamp"]).toBe(String(startMs - 5));
    }
  });

  it("waits for its target when it is committed, ten minutes, then becomes a dead letter", async () => {
    await broker.half("early", "x", { "tarpan-topic": "nowhere" });
    await broker.resolve("early", "commit");
    await broker.pass(300_000, 1_000);
    await broker.half("late", "y", { "tarpan-topic": "nowhere" });
    await broker.pass(4_000, 1_000);
    await broker.resolve("late", "commit");
    await broker.pass(300_000, 1_000);
    const letters = () => broker.readAll("nowhere.dlq");
    expect(await letters()).toMatchObject([
      {
        ...{ key: "early", value: "x" },
        headers: {
          "__dlq.errors.topic": "nowhere",
          "__dlq.errors.message": "the target topic does not exist",
        },
      },
    ]);
    await broker.whole.createTopic("nowhere", 1);
    await broker.pass(2_000, 500);
    expect((await broker.read("nowhere")).map(({ value }) => value)).toEqual(["y"]);
    expect(await letters()).toHaveLength(1);
  });
});

describe("a half message without a resolution", () => {
  it("is checked after 6 s, each 30 s, 15 times, and then rolled back as a dead letter", async () => {
    await broker.whole.createTopic(`${GROUP}.checks`, 4);
    await broker.half("id", "x", { mine: "kept", "tarpan-key": "own" });
    const startMs = broker.nowMs;
    await broker.pass(5_500, 500);
    expect(await broker.checks()).toEqual([]);
    await broker.pass(30_000 * 15, 500);
    const checks = await broker.checks();
    const expected = Array.from({ length: 15 }, (_, index) => ({
      ...{ key: "id", value: "x", timestamp: startMs + 6_000 + 30_000 * index },
      headers: {
        ...{ mine: "kept", "tarpan-key": "own", "tarpan-topic": "target" },
        ...{ "tarpan-id": "id", "tarpan-producer-group": GROUP, "tarpan-half-partition": "0" },
        ...{ "tarpan-check": `${index + 1}`, "tarpan-checks-left": `${14 - index}` },
        "tarpan-timestamp": String(startMs - 5),
      },
    }));
    expect(checks).toEqual(expected);
    expect(broker.whole.metadata.image.topics.has("target.dlq")).toBe(false);
    await broker.pass(3_000, 500);
    expect(await broker.read("target.dlq")).toMatchObject([
      {
        ...{ key: "own", value: "x" },
        headers: {
          ...{ mine: "kept", "tarpan-id": "id", "__dlq.errors.topic": "target" },
          "__dlq.errors.message": "it was rolled back: 15 checks were not answered",
        },
      },
    ]);
    await broker.resolve("id", "commit");
    await broker.pass(120_000, 1_000);
    expect(await values()).toEqual([]);
    expect(await broker.checks()).toHaveLength(15);
    const counts = { checks: 15, unresolved: 1, ignored: 1, committed: 0 };
    expect(broker.whole.broker.halfMessages.counts).toMatchObject(counts);
  });

  it("is checked in another partition of a new topic each time", async () => {
    await broker.half("id", "x");
    await broker.pass(8_000 + 3 * 30_000, 500);
    for (let partition = 0; partition < 4; partition++) {
      expect(await broker.read(`${GROUP}.checks`, partition)).toHaveLength(1);
    }
    expect(broker.whole.metadata.topicConfig(`${GROUP}.checks`).retentionMs).toBe(3_600_000);
  });

  it("is delivered when a check is answered, and not checked again", async () => {
    await broker.half("id", "x");
    await broker.pass(7_000, 500);
    expect(await broker.checks()).toHaveLength(1);
    await broker.resolve("id", "commit");
    await broker.settle();
    expect(await values()).toEqual(["x"]);
    await broker.pass(120_000, 1_000);
    expect(await broker.checks()).toHaveLength(1);
  });

  it("obeys the settings of the broker", async () => {
    broker = await HalfBroker.start({
      ...{
        "tarpan.half.message.timeout.ms": "1000",
        "tarpan.half.message.check.interval.ms": "2000",
      },
      "tarpan.half.message.check.max": "2",
    });
    await broker.whole.createTopic("target", 1);
    await broker.whole.createTopic(`${GROUP}.checks`, 1);
    const startMs = broker.nowMs;
    await broker.half("id", "x");
    await broker.pass(8_000, 500);
    const times = (await broker.checks()).map(({ timestamp }) => timestamp - startMs);
    expect(times).toEqual([1_000, 3_000]);
    const [letter] = await broker.read("target.dlq");
    expect(letter!.headers["__dlq.errors.message"]).toMatch(/2 checks were not answered/);
  });
});

it("the settings of half messages can be changed while the broker runs", async () => {
  await broker.whole.createTopic(`${GROUP}.checks`, 1);
  const settings = { "timeout.ms": "500", "check.interval.ms": "700", "check.max": "2" };
  const configs = Object.entries(settings).map(([name, value]) => {
    return { name: `tarpan.half.message.${name}`, value, configOperation: 0 };
  });
  const resources = [{ resourceType: 4, resourceName: "", configs }];
  const asked = { resources, validateOnly: false };
  const { responses } = await broker.whole.call(IncrementalAlterConfigs, 1, asked);
  expect(responses[0]).toMatchObject({ errorCode: ErrorCode.NONE });
  const startMs = broker.nowMs;
  await broker.half("id", "x");
  await broker.pass(4_000, 100);
  const times = (await broker.checks()).map(({ timestamp }) => timestamp - startMs);
  expect(times).toEqual([500, 1_200]);
  expect(await broker.read("target.dlq")).toHaveLength(1);
});

describe("produce to __half_messages refuses with INVALID_RECORD", () => {
  const FROM = { "tarpan-producer-group": GROUP };
  const TO = { ...FROM, "tarpan-topic": "target" };
  const cases: readonly [string, string | null, string | null, Headers, RegExp][] = [
    ["no id", null, "x", TO, /has no key/],
    ["an empty id", "", "x", TO, /has no key/],
    ["an id of 64 KiB", "i".repeat(65_536), "x", TO, /65536 bytes: at most 1024/],
    ["no group", "id", "x", { "tarpan-topic": "t" }, /no header tarpan-producer-group/],
    ["an empty group", "id", "x", { ...TO, "tarpan-producer-group": "" }, /names no producer/],
    ["a bad group", "id", "x", { ...TO, "tarpan-producer-group": "a b" }, /characters other/],
    ["a long group", "id", "x", { ...TO, "tarpan-producer-group": "g".repeat(243) }, /at most 249/],
    ["no target", "id", "x", FROM, /no header tarpan-topic/],
    ["a bad target", "id", "x", { ...TO, "tarpan-topic": "a b" }, /characters other than/],
    ["an internal target", "id", "x", { ...TO, "tarpan-topic": "__delayed" }, /is internal/],
    ["a bad partition", "id", "x", { ...TO, "tarpan-partition": "-1" }, /partition's number/],
    ["the broker's header", "id", "x", { ...TO, "tarpan-moved-from": "1" }, /only the broker/],
    ["a tombstone", "id", null, TO, /send its id as key and header tarpan-resolution/],
    ["a bad resolution", "id", "x", { ...TO, "tarpan-resolution": "maybe" }, /commit or rollback/],
    ["a moved resolution", "id", "x", { ...FROM, "tarpan-moved-from": "1" }, /only the broker/],
    ["a resolution by nobody", "id", null, { "tarpan-resolution": "commit" }, /producer-group/],
    ["too large a message", "id", "x".repeat(1_045_000), TO, /at most 1044492 are allowed/],
  ];

  it.each(cases)("%s", async (_, id, value, headers, message) => {
    const answer = await broker.send(id, value, headers);
    expect(answer.errorCode).toBe(ErrorCode.INVALID_RECORD);
    expect(answer.errorMessage).toMatch(message);
    expect(answer.recordErrors[0]!.batchIndex).toBe(0);
  });
});
