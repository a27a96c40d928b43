import { expect, it } from "vitest";
import { silentLogger } from "../../src/logging/logger.ts";
import { HalfBroker } from "./half-broker.ts";
import { GROUP, HalfHistory, halfNameOf } from "./half-history.ts";

const ALL = { id: null, group: null, topic: null, fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };

it("a message that can't be asked for is not rolled back, and still committed at once", async () => {
  const broker = await HalfBroker.start();
  await broker.whole.createTopic("target", 1);
  await broker.whole.createTopic(`${GROUP}.checks`, 1, { "max.message.bytes": "100" });
  await broker.half("id", "x");
  await broker.pass(1_200_000, 10_000);
  expect(await broker.checks()).toEqual([]);
  expect(broker.whole.metadata.image.topics.has("target.dlq")).toBe(false);
  await broker.resolve("id", "commit");
  await broker.settle();
  expect(await broker.read("target")).toMatchObject([{ value: "x" }]);
});

it("a check that its partition refuses is sent again later, with the same number", async () => {
  const history = await HalfHistory.begin(1);
  const { held } = history;
  held.refuses = () => true;
  await history.half("id", "x");
  await held.pass(30_000, 60);
  expect(held.deliveries).toBe(1);
  expect(held.counts.checks).toBe(0);
  held.refuses = () => false;
  await held.pass(40_000, 80);
  const checks = await held.delivered(history.checks);
  expect(checks.map(({ headers }) => headers["tarpan-check"]).sort()).toEqual(["1", "2"]);
  await history.resolve("id", "commit");
  await held.settle();
  expect(await history.values()).toEqual(["x"]);
});

it("a commit while its check is refused is delivered at once", async () => {
  const history = await HalfHistory.begin(1);
  const { held } = history;
  held.refuses = () => true;
  await history.half("id", "x");
  await held.pass(5_000, 20);
  held.refuses = () => false;
  await history.resolve("id", "commit");
  await held.settle();
  expect(await history.values()).toEqual(["x"]);
});

it("one that was rolled back stays so while its dead letter is refused, also after a crash", async () => {
  const history = await HalfHistory.begin(1);
  const { held } = history;
  await history.half("id", "old");
  await held.pass(14_000, 56);
  expect(held.counts.checks).toBe(3);
  held.refuses = () => true;
  await held.pass(10_000, 20);
  expect(held.counts.unresolved).toBe(1);
  const [waiting] = await held.shard.list({ ...ALL, limit: 10 });
  expect(waiting!.progress).toBe(-5);
  await history.resolve("id", "commit");
  expect(await held.shard.change("committed", halfNameOf("id"))).toBe(false);
  // Its id is free.
  held.refuses = () => false;
  await history.half("id", "new");
  await history.resolve("id", "commit");
  await held.crash();
  await held.pass(70_000, 140);
  expect(await history.values()).toEqual(["new"]);
  expect((await held.delivered(history.letters)).map(({ value }) => value)).toEqual(["old"]);
  expect(held.counts).toMatchObject({ unresolved: 1, ignored: 1 });
});

it("a committed message that is refused is not lost to a new one with its id", async () => {
  const history = await HalfHistory.begin(1);
  const { held } = history;
  held.fault = () => "not asked";
  await history.half("id", "old");
  await history.resolve("id", "commit");
  await held.pass(1_000);
  await history.half("id", "new");
  // The target refuses it for good: it becomes a dead letter.
  let isFirst = true;
  held.fault = () => "none";
  held.refuses = () => isFirst;
  await held.pass(3_000, 1);
  isFirst = false;
  await held.pass(1_000);
  await history.resolve("id", "commit");
  await held.pass(70_000, 140);
  const letters = await held.delivered(history.letters);
  expect([...(await history.values()), ...letters.map(({ value }) => value)].sort()).toEqual([
    ...["new", "old"],
  ]);
});

it("what was resolved in vain is told to the operator, not line by line", async () => {
  const told: string[] = [];
  const logger = { ...silentLogger, level: "info", info: (line: string) => void told.push(line) };
  const broker = await HalfBroker.startWith({ logger });
  for (let n = 0; n < 50; n++) await broker.resolve("id", "commit");
  await broker.settle();
  const lines = told.filter((line) => line.includes("resolutions are ignored"));
  expect(lines).toEqual([
    expect.stringMatching(/the last at offset \d+ of __half_messages-0: no such message/),
  ]);
});
