import { decodeBatches } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { decodeHeldRecord } from "../../src/held/records.ts";
import type { Log } from "../../src/log/log.ts";
import { GROUP, HalfHistory, halfNameOf, INTERVAL_MS } from "./half-history.ts";

// A half message is written again at the end of its log while something happens to it. Each test
// cuts the log, and lets another broker read what is left.

/** Calls `meanwhile` just before the first record that moves the message `id` is appended. */
function whenMoved(
  history: HalfHistory,
  id: string,
  meanwhile: () => Promise<unknown>,
): () => boolean {
  const { log } = history.held.held;
  const append = log.append.bind(log);
  let wasMoved = false;
  const instead: Log["append"] = async (batch, leaderEpoch) => {
    const isIt = [...decodeBatches([batch])].some((one) =>
      [...one.records()].some(({ key, headers }) => {
        const isMoved = headers.some((header) => header.key === "tarpan-moved-from");
        return isMoved && Buffer.from(key!).toString() === id;
      }),
    );
    if (!isIt || wasMoved) return append(batch, leaderEpoch);
    wasMoved = true;
    await meanwhile();
    return append(batch, leaderEpoch);
  };
  log.append = instead;
  return () => wasMoved;
}

/** Lets the log be shortened, and loads it on another broker. */
async function shortenAndLoad(history: HalfHistory, passes = 1): Promise<void> {
  const { held } = history;
  const before = held.held.log.startOffset;
  for (let pass = 0; pass < passes; pass++) {
    await history.makeLong();
    await held.pass(11_000, 22);
  }
  expect(held.held.log.startOffset).toBeGreaterThan(before);
  await held.crash();
  await held.settle();
}

/** Without a target: a committed message waits for it. */
async function withoutTarget(seed: number): Promise<HalfHistory> {
  const history = await HalfHistory.begin(seed);
  await history.held.deleteTarget();
  return history;
}

const ID = "6ba7b810-9dad-41d1-80b4-00c04fd430c7";

it("a commit that comes while its message is moved is not lost", async () => {
  const history = await withoutTarget(1);
  await history.half("id", "x");
  const wasMoved = whenMoved(history, "id", () => history.resolve("id", "commit"));
  await shortenAndLoad(history, 2);
  expect(wasMoved()).toBe(true);
  await history.held.createTarget(ID);
  await history.held.pass(3_000);
  expect(await history.values()).toEqual(["x"]);
  expect(history.held.counts).toMatchObject({ committed: 1, ignored: 0 });
});

it("a committed message that is moved again and again waits ten minutes for its target", async () => {
  const history = await withoutTarget(1);
  await history.half("id", "x");
  await history.resolve("id", "commit");
  const { held } = history;
  for (let minutes = 0; minutes < 9; minutes++) {
    const before = held.held.log.startOffset;
    await history.makeLong();
    await held.pass(60_000, 3);
    expect(held.held.log.startOffset).toBeGreaterThan(before);
  }
  expect(history.letters[0]!.log.endOffset).toBe(0);
  await held.pass(180_000, 60);
  expect(history.letters[0]!.log.endOffset).toBe(1);
});

it("a commit by hand that comes while its message is moved is not lost", async () => {
  const history = await withoutTarget(1);
  await history.half("id", "x");
  const wasMoved = whenMoved(history, "id", async () => {
    const committed = history.held.shard.change("committed", halfNameOf("id"));
    await history.held.settle();
    expect(await committed).toBe(true);
  });
  await shortenAndLoad(history, 2);
  expect(wasMoved()).toBe(true);
  await history.held.createTarget(ID);
  await history.held.pass(3_000);
  expect(await history.values()).toEqual(["x"]);
});

it("a message that is rolled back while it is moved stays away", async () => {
  const history = await HalfHistory.begin(1);
  await history.half("id", "x");
  const wasMoved = whenMoved(history, "id", () => history.resolve("id", "rollback"));
  await shortenAndLoad(history);
  expect(wasMoved()).toBe(true);
  expect(history.held.shard.waitingCount).toBe(0);
  await history.resolve("id", "commit");
  await history.held.pass(60_000, 60);
  expect(await history.values()).toEqual([]);
  expect(await history.held.delivered(history.letters)).toEqual([]);
});

it("an id that is used again while its rolled back message is moved is the new message's", async () => {
  const history = await HalfHistory.begin(1);
  await history.half("id", "old");
  whenMoved(history, "id", async () => {
    await history.resolve("id", "rollback");
    await history.half("id", "new");
  });
  await history.makeLong();
  await history.held.pass(11_000, 22);
  await history.resolve("id", "commit");
  await shortenAndLoad(history);
  expect(await history.values()).toEqual(["new"]);
});

it("a committed message that was moved is committed for the next broker, and its id is free", async () => {
  const history = await withoutTarget(1);
  await history.half("id", "first");
  await history.resolve("id", "commit");
  await shortenAndLoad(history);
  await history.half("id", "second");
  await history.resolve("id", "rollback");
  await shortenAndLoad(history);
  await history.held.createTarget(ID);
  await history.held.pass(3_000);
  expect(await history.values()).toEqual(["first"]);
});

it("a message that was moved keeps the number of its checks, and when it is checked next", async () => {
  const history = await HalfHistory.begin(1);
  await history.half("id", "x");
  const startMs = history.held.time.wallMs();
  await shortenAndLoad(history);
  await history.held.pass(60_000, 240);
  const checks = await history.held.delivered(history.checks);
  const numbers = checks.sort((a, b) => a.timestamp - b.timestamp);
  expect(numbers.map(({ headers }) => headers["tarpan-check"])).toEqual(["1", "2", "3"]);
  for (const [n, { timestamp }] of numbers.entries()) {
    expect(timestamp - startMs).toBeGreaterThanOrEqual(2_000 + n * INTERVAL_MS);
    expect(timestamp - startMs).toBeLessThan(2_000 + (n + 1) * INTERVAL_MS);
  }
  expect(await history.held.delivered(history.letters)).toHaveLength(1);
});

it("a message is not moved while its check is on its way", async () => {
  const history = await HalfHistory.begin(1);
  const { held } = history;
  held.fault = () => "answer lost";
  await history.half("id", "x");
  await held.pass(3_000, 12);
  const wasMoved = whenMoved(history, "id", async () => {});
  await history.makeLong();
  await held.pass(22_000, 44);
  expect(wasMoved()).toBe(false);
  held.fault = () => "none";
  await shortenAndLoad(history);
  await held.pass(60_000, 60);
  const checks = await held.delivered(history.checks);
  expect(checks.map(({ headers }) => headers["tarpan-check"]).sort()).toEqual(["1", "2", "3"]);
  expect(held.counts).toMatchObject({ checks: 3, unresolved: 1 });
});

it("a moved record that does not know of the last check is void", async () => {
  const history = await HalfHistory.begin(1);
  const { held } = history;
  const from = await history.half("id", "x");
  await held.pass(3_000, 12);
  expect(held.counts.checks).toBe(1);
  // As by the leader before, which was about to move it when another broker asked.
  const offset = await history.half("id", "x", {
    "tarpan-moved-from": `${from}`,
    "tarpan-moved-progress": "0",
  });
  await held.settle();
  const [batch] = decodeBatches(await held.held.log.read(offset + 1, 1));
  const [record] = [...batch!.records()];
  expect(decodeHeldRecord(record!.value!)).toMatchObject({ kind: "forgotten", offset });
  await held.pass(60_000, 60);
  const checks = await held.delivered(history.checks);
  expect(checks.map(({ headers }) => headers["tarpan-check"]).sort()).toEqual(["1", "2", "3"]);
});

it("a member of another group does not find a message that was moved", async () => {
  const history = await HalfHistory.begin(1);
  await history.half("id", "x");
  await shortenAndLoad(history);
  await history.resolve("id", "commit", "strangers");
  await history.held.settle();
  expect(await history.values()).toEqual([]);
  await history.resolve("id", "commit", GROUP);
  await history.held.pass(1_000);
  expect(await history.values()).toEqual(["x"]);
});
