import { crc32c } from "@tarpan/codecs";
import { encodeBatch } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { HeldHistory, nameOf } from "./history.ts";

const text = new TextEncoder();
const LATER_MS = 3_600_000;

/** Writes a message again, as a shard does that has not read yet what became of it. */
async function move(history: HeldHistory, id: string, from: number): Promise<void> {
  const dueMs = history.time.wallMs() + LATER_MS;
  const headers = Object.entries({
    "tarpan-topic": "target",
    "tarpan-deliver-at": String(dueMs),
    "tarpan-moved-from": String(from),
  });
  const record = {
    ...{ key: text.encode(id), value: text.encode("moved"), timestamp: history.time.wallMs() },
    headers: headers.map(([key, value]) => ({ key, value: text.encode(value) })),
  };
  const { log, leaderEpoch } = history.held;
  await log.append(encodeBatch([record], { crc32c }), leaderEpoch);
  await history.settle();
}

/** What waits for a broker that loads the log when all before `offset` was deleted. */
async function waitingAfterCut(history: HeldHistory, offset: number): Promise<number> {
  await history.held.deleteBefore(offset);
  await history.crash();
  return history.shard.waitingCount;
}

it("a message that was moved waits for whoever reads only its new record", async () => {
  const history = await HeldHistory.begin(1);
  await history.schedule("id", "x", history.time.wallMs() + LATER_MS);
  await history.settle();
  await move(history, "id", 0);
  expect(history.shard.waitingCount).toBe(1);
  expect(await waitingAfterCut(history, 1)).toBe(1);
});

it("one that was cancelled before it was moved does not come back", async () => {
  const history = await HeldHistory.begin(1);
  await history.schedule("id", "x", history.time.wallMs() + LATER_MS);
  await history.cancel("id");
  await move(history, "id", 0);
  expect(history.shard.waitingCount).toBe(0);
  expect(await waitingAfterCut(history, 2)).toBe(0);
});

it("one that was replaced before it was moved stays replaced", async () => {
  const history = await HeldHistory.begin(1);
  await history.schedule("id", "x", history.time.wallMs() + LATER_MS);
  await history.schedule("id", "new", history.time.wallMs() + 1_000);
  await move(history, "id", 0);
  expect(await waitingAfterCut(history, 1)).toBe(1);
  await history.pass(3_000, 10);
  expect((await history.delivered()).map(({ value }) => value)).toEqual(["new"]);
});

it("one that was replaced before it was moved stays away when the new one is gone", async () => {
  const history = await HeldHistory.begin(1);
  await history.schedule("id", "x", history.time.wallMs() + LATER_MS);
  await history.schedule("id", "new", history.time.wallMs() + 1_000);
  await move(history, "id", 0);
  await history.pass(3_000, 10);
  expect(await waitingAfterCut(history, 2)).toBe(0);
});

it("one that is moved while an administrator cancels it is cancelled", async () => {
  const history = await HeldHistory.begin(1);
  await history.schedule("id", "x", history.time.wallMs() + LATER_MS);
  await history.settle();
  const moving = move(history, "id", 0);
  expect(await history.shard.change("cancelled", nameOf("id"))).toBe(true);
  await moving;
  expect(history.shard.waitingCount).toBe(0);
});
