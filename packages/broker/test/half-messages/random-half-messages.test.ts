import { expect, it } from "vitest";
import { seedOf } from "../env/seeded-random.ts";
import type { Delivered } from "../held/history.ts";
import {
  GROUP,
  HalfHistory,
  halfNameOf,
  INTERVAL_MS,
  MAX_CHECKS,
  TIMEOUT_MS,
} from "./half-history.ts";

const RUNS = Number(process.env.TARPAN_RUNS ?? 20);
const STEPS = 60;
const IDS = 8;
const GROUPS = [GROUP, "others"];
/** The longest life of a message that nobody resolves, and some time for faults. */
const END_MS = TIMEOUT_MS + (MAX_CHECKS + 1) * INTERVAL_MS + 60_000;

/** What a client has produced, in the order of the log. */
interface Produced {
  readonly name: string;
  readonly offset: number;
  readonly fromMs: number;
  /** When it was durable. */
  readonly atMs: number;
  /** Of a half message. */
  readonly value?: string;
  readonly resolution?: "commit" | "rollback";
}

it("half messages end once, in random histories with crashes and lost answers", {
  timeout: 30_000 + RUNS * 3_000,
}, async () => {
  const seed = seedOf("half messages");
  let cuts = 0;
  for (let run = 0; run < RUNS; run++) cuts += await oneHistory(seed + run);
  // Otherwise nothing was moved, and nothing deleted.
  expect(cuts).toBeGreaterThan(RUNS / 4);
});

/** Resolves to 1 if the log was cut. */
async function oneHistory(seed: number): Promise<number> {
  const history = await HalfHistory.begin(seed);
  const { held } = history;
  const { time, random } = held;
  const others = await held.createOther(`${GROUPS[1]}.checks`, 3);
  let isOut = false;
  held.slowAppends = () => random.chance(0.3);
  held.refuses = (values) => values.length > 1 && values.join().length % 3 === 0;
  held.fault = () => {
    if (isOut) return "not asked";
    if (random.chance(0.7)) return "none";
    return random.pick(["not asked", "answer lost", "answer slow"] as const);
  };
  const produced: Produced[] = [];
  const begun: Promise<void>[] = [];
  const produce = async (offset: Promise<number>, what: Partial<Produced> & { name: string }) => {
    const fromMs = time.wallMs();
    produced.push({ fromMs, offset: await offset, atMs: time.wallMs(), ...what });
  };
  for (let step = 0; step < STEPS; step++) {
    const id = `id-${random.below(IDS)}`;
    const group = random.pick(GROUPS);
    const name = `${group}/${id}`;
    const chance = random.next();
    if (chance < 0.4) {
      const value = `${name}/${step}`;
      begun.push(produce(history.half(id, value, {}, group), { name, value }));
      if (random.chance(0.7)) await begun.at(-1);
    } else if (chance < 0.6) {
      const resolution = random.chance(0.7) ? "commit" : "rollback";
      begun.push(produce(history.resolve(id, resolution, group), { name, resolution }));
      if (random.chance(0.7)) await begun.at(-1);
    } else if (chance < 0.7) await held.crash();
    else if (chance < 0.75) isOut = !isOut;
    else if (chance < 0.97) await held.pass(random.below(9_000), 4);
    else time.skip(random.below(2_000));
  }
  await Promise.all(begun);
  held.fault = () => "none";
  held.slowAppends = () => false;
  await held.pass(END_MS, 200);
  const where = `seed ${seed}`;
  const checks = await held.delivered([...history.checks, ...others]);
  const letters = await held.delivered(history.letters);
  check(produced, { delivered: await held.delivered(), checks, letters }, where);
  expect(held.shard.waitingCount, where).toBe(0);
  expect(held.failures.filter((one) => !String(one).includes("shard has failed"))).toEqual([]);
  return held.held.log.startOffset > 0 ? 1 : 0;
}

interface Outcome {
  readonly delivered: readonly Delivered[];
  readonly checks: readonly Delivered[];
  readonly letters: readonly Delivered[];
}

function check(produced: readonly Produced[], outcome: Outcome, where: string): void {
  const inOrder = produced.toSorted((a, b) => a.offset - b.offset);
  const messages = inOrder.filter(({ value }) => value !== undefined);
  for (const message of messages) {
    const next = inOrder.find((one) => one.name === message.name && one.offset > message.offset);
    checkMessage(message, next, outcome, `${where}: ${message.value}`);
  }
  const values = new Set(messages.map(({ value }) => value));
  const all = [...outcome.delivered, ...outcome.checks, ...outcome.letters];
  expect(all.filter(({ value }) => !values.has(value))).toEqual([]);
}

/** `next`: the next record about its id, which resolves or replaces the message if it waits. */
function checkMessage(
  message: Produced,
  next: Produced | undefined,
  { delivered, checks, letters }: Outcome,
  where: string,
): void {
  const of = (all: readonly Delivered[]) => all.filter(({ value }) => value === message.value);
  const asked = of(checks).sort((a, b) => a.timestamp - b.timestamp);
  const numbers = asked.map(({ headers }) => Number(headers["tarpan-check"]));
  expect(numbers, `${where}: its checks`).toEqual(asked.map((_, index) => index + 1));
  expect(asked.length, where).toBeLessThanOrEqual(MAX_CHECKS);
  let fromMs = message.fromMs + TIMEOUT_MS;
  for (const { timestamp } of asked) {
    expect(timestamp, `${where} was asked for too early`).toBeGreaterThanOrEqual(fromMs);
    fromMs = timestamp + INTERVAL_MS;
    if (next === undefined) continue;
    expect(timestamp, `${where} was asked for after its end`).toBeLessThanOrEqual(next.atMs);
  }
  const ended = { delivered: of(delivered).length, letters: of(letters).length };
  const isExpired = asked.length === MAX_CHECKS && ended.letters === 1;
  const isCommitted = !isExpired && next?.resolution === "commit";
  const expected = { delivered: isCommitted ? 1 : 0, letters: isExpired ? 1 : 0 };
  expect(ended, where).toEqual(expected);
  expect(isExpired || next !== undefined, `${where} did not end`).toBe(true);
}

it("what a broker reads from the log is what the one before it held", async () => {
  const seed = seedOf("half messages read again");
  for (let run = 0; run < Math.ceil(RUNS / 4); run++) {
    const history = await HalfHistory.begin(seed + run);
    const { held } = history;
    const { random } = held;
    for (let round = 0; round < 6; round++) {
      for (let step = 0; step < 25; step++) {
        const id = `id-${random.below(IDS)}`;
        const chance = random.next();
        if (chance < 0.5) await history.half(id, `${id}/${step}`);
        else if (chance < 0.7) await history.resolve(id, random.pick(["commit", "rollback"]));
        else if (chance < 0.75) await held.shard.change("committed", halfNameOf(id));
        else await held.pass(random.below(4_000), 4);
      }
      await held.pass(250, 4);
      const before = await listed(history);
      await held.crash();
      expect(await listed(history), `seed ${seed + run}`).toEqual(before);
    }
  }
});

async function listed(history: HalfHistory) {
  const all = { id: null, group: null, topic: null, fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
  const messages = await history.held.shard.list({ ...all, limit: 1_000 });
  return messages
    .map(({ id, progress, createdMs, dueMs }) => {
      return { id: Buffer.from(id).toString(), progress, createdMs, dueMs };
    })
    .sort((a, b) => a.dueMs - b.dueMs || a.id.localeCompare(b.id));
}
