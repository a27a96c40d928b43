import { crc32c } from "@tarpan/codecs";
import { encodeBatch, readBatchHeader } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { type Candidate, earliestOf } from "../../src/held/earliest.ts";
import { LIST_PAGE, WALKED_AT_A_TIME } from "../../src/held/limits.ts";
import { WaitingMessages } from "../../src/held/waiting-messages.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";
import { HeldHistory } from "./history.ts";

const text = new TextEncoder();

it("finds the earliest messages page by page, a slice in a turn", async () => {
  const random = new SeededRandom(seedOf("earliest messages"));
  const waiting = new WaitingMessages();
  const count = 3 * WALKED_AT_A_TIME;
  for (let i = 0; i < count; i++) waiting.add([i, i], i, random.below(count / 3));
  for (let i = 0; i < count; i += 7) waiting.remove(waiting.find([i, i]));
  const [fromMs, toMs] = [100, count / 3 - 100];
  const expected: Candidate[] = [];
  waiting.forEach((entry) => {
    const timeMs = waiting.timeOf(entry);
    if (timeMs >= fromMs && timeMs < toMs) expected.push({ ...waiting.at(entry), timeMs });
  });
  expected.sort((a, b) => a.timeMs - b.timeMs || a.entry - b.entry);
  let turns = 0;
  const nextTurn = async () => {
    turns += 1;
  };
  const found: Candidate[] = [];
  let pages = 0;
  for (const limit of [1, 100, 4_000, count]) {
    const after: Candidate | null = found.at(-1) ?? null;
    const wanted = { fromMs, toMs, after, limit };
    found.push(...(await earliestOf(waiting, wanted, nextTurn)));
    pages += 1;
    expect(turns).toBe(2 * pages);
  }
  expect(found).toEqual(expected);
});

it("lists the messages for one topic behind many for others", async () => {
  const history = await HeldHistory.begin(1);
  const nowMs = history.time.wallMs();
  const count = LIST_PAGE + 100;
  const records = Array.from({ length: count }, (_, i) => {
    const headers = {
      "tarpan-topic": i < 3 ? "mine" : "other",
      "tarpan-deliver-at": String(nowMs + 3_600_000 - i),
    };
    const pairs = Object.entries(headers).map(([key, value]) => ({
      key,
      value: text.encode(value),
    }));
    return { key: text.encode(`${i}`), value: text.encode("v"), timestamp: nowMs, headers: pairs };
  });
  const batch = encodeBatch(records, { crc32c });
  await history.held.append(batch, readBatchHeader(batch), nowMs);
  await history.settle();
  const list = async (topic: string | null, limit: number) => {
    const all = { id: null, group: null, fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
    const filter = { ...all, topic, limit };
    return (await history.shard.list(filter)).map(({ id }) => Buffer.from(id).toString());
  };
  expect(await list("mine", 10)).toEqual(["2", "1", "0"]);
  expect(await list("mine", 2)).toEqual(["2", "1"]);
  expect(await list(null, 250)).toEqual(Array.from({ length: 250 }, (_, i) => `${count - 1 - i}`));
});
