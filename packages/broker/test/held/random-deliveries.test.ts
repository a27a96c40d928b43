import { expect, it } from "vitest";
import { seedOf } from "../env/seeded-random.ts";
import { HeldHistory } from "./history.ts";

const RUNS = Number(process.env.TARPAN_RUNS ?? 20);
const STEPS = 60;
const IDS = 12;
const MAX_DELAY_MS = 60_000;

interface Scheduled {
  readonly value: string;
  readonly dueMs: number;
  /** When it was cancelled or replaced. */
  overMs: number | null;
}

it("held messages are delivered once, in random histories with crashes and lost answers", {
  timeout: 30_000 + RUNS * 2_000,
}, async () => {
  const seed = seedOf("held messages");
  let cuts = 0;
  for (let run = 0; run < RUNS; run++) cuts += await oneHistory(seed + run);
  // Otherwise nothing was moved, and nothing deleted.
  expect(cuts).toBeGreaterThan(RUNS / 4);
});

/** Resolves to 1 if the log was cut. */
async function oneHistory(seed: number): Promise<number> {
  const history = await HeldHistory.begin(seed);
  const { time, random } = history;
  let isOut = false;
  history.slowAppends = () => random.chance(0.3);
  // The same ones at each attempt, as a partition does.
  history.refuses = (values) => values.length > 1 && values.join().length % 3 === 0;
  history.fault = () => {
    if (isOut) return "not asked";
    if (random.chance(0.7)) return "none";
    return random.pick(["not asked", "answer lost", "answer slow"] as const);
  };
  const all: Scheduled[] = [];
  const byId = new Map<string, Scheduled>();
  const end = (id: string) => {
    const before = byId.get(id);
    if (before !== undefined) before.overMs ??= time.wallMs();
    byId.delete(id);
  };
  for (let step = 0; step < STEPS; step++) {
    const id = `id-${random.below(IDS)}`;
    const chance = random.next();
    if (chance < 0.45) {
      end(id);
      const dueMs = time.wallMs() + random.below(MAX_DELAY_MS);
      const scheduled = { value: `${id}/${step}`, dueMs, overMs: null };
      all.push(scheduled);
      byId.set(id, scheduled);
      const done = history.schedule(id, scheduled.value, dueMs);
      if (random.chance(0.7)) await done;
    } else if (chance < 0.55) {
      end(id);
      await history.cancel(id);
    } else if (chance < 0.65) {
      await history.crash();
    } else if (chance < 0.7) {
      isOut = !isOut;
    } else if (chance < 0.95) {
      await history.pass(random.below(9_000), 4);
    } else {
      // The broker is paused.
      time.skip(random.below(2_000));
    }
  }
  history.fault = () => "none";
  history.slowAppends = () => false;
  await history.pass(MAX_DELAY_MS + 20_000, 60);
  await check(history, all, `seed ${seed}`);
  return history.held.log.startOffset > 0 ? 1 : 0;
}

async function check(history: HeldHistory, all: readonly Scheduled[], where: string) {
  const delivered = await history.delivered();
  const times = new Map<string, number[]>();
  for (const { value, timestamp } of delivered) {
    times.set(value, [...(times.get(value) ?? []), timestamp]);
  }
  for (const { value, dueMs, overMs } of all) {
    const at = times.get(value) ?? [];
    expect(at.length, `${where}: ${value} was delivered ${at.length} times`).toBeLessThan(2);
    for (const timestamp of at) {
      expect(timestamp, `${where}: ${value} came early`).toBeGreaterThanOrEqual(dueMs);
    }
    if (overMs === null) expect(at.length, `${where}: ${value} was not delivered`).toBe(1);
    else if (overMs < dueMs) {
      expect(at.length, `${where}: ${value} was delivered after it was cancelled`).toBe(0);
    }
  }
  expect(delivered.length).toBe([...times.values()].flat().length);
  expect(history.failures.filter((one) => !String(one).includes("shard has failed"))).toEqual([]);
  expect(history.shard.waitingCount, where).toBe(0);
}
