import { decodeBatches, encodeBatch } from "@tarpan/protocol";
import { expect, test } from "vitest";
import type { Log } from "../../src/log/log.ts";
import { MemoryEngine } from "../../src/log/memory.ts";
import { METADATA_LOG } from "../../src/metadata/metadata-log.ts";
import { SNAPSHOT_RATIO, SNAPSHOT_SLICE_RECORDS } from "../../src/state-machine/limits.ts";
import { ReplayedState } from "../../src/state-machine/replayed-state.ts";
import type { StateMachine } from "../../src/state-machine/state-machine.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";
import { testEnv } from "../env/test-env.ts";
import { LOG_OPTIONS } from "../metadata/support.ts";
import {
  type CounterRecord,
  type Counters,
  counterMachine,
  countersInPlace,
  increment,
  remove,
} from "./counters.ts";

const newLog = () => new MemoryEngine(testEnv()).create(METADATA_LOG, LOG_OPTIONS);
const OPTIONS = { leaderEpoch: 0, wallMs: () => 1, snapshotMinRecords: 10 };
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A log with many records for each of `names` counters, so that a snapshot is due. */
async function logOf(names: number): Promise<Log> {
  const log = await newLog();
  for (let round = 0; round <= SNAPSHOT_RATIO; round++) {
    const records = Array.from({ length: names }, (_, i) => ({
      ...counterMachine.encode({ name: `c${i}`, value: round }),
      timestamp: 1,
    }));
    await log.append(encodeBatch(records), 0);
  }
  return log;
}

type Machine = StateMachine<Counters, CounterRecord>;
const machines: [string, () => Machine][] = [
  ["a value", () => counterMachine],
  ["changed in place", countersInPlace as () => Machine],
];

test.each(machines)("of a state that is %s takes one slice a turn", async (_, machine) => {
  const names = 5 * SNAPSHOT_SLICE_RECORDS;
  const log = await logOf(names);
  const slices: number[] = [];
  let encodedThisTurn = 0;
  const counting: Machine = {
    ...machine(),
    encode(record) {
      encodedThisTurn += 1;
      return counterMachine.encode(record);
    },
  };
  const nextTurn = async () => {
    slices.push(encodedThisTurn);
    encodedThisTurn = 0;
    await turn();
  };
  const counters = await ReplayedState.load(counting, { ...OPTIONS, log, nextTurn });
  await counters.decide(increment("c0"));
  await counters.settled();
  expect(Math.max(...slices)).toBeLessThanOrEqual(SNAPSHOT_SLICE_RECORDS);
  expect(slices.filter((count) => count === SNAPSHOT_SLICE_RECORDS)).toHaveLength(5);
  expect(log.endOffset - log.startOffset).toBe(names);
  const again = await ReplayedState.load(machine(), { ...OPTIONS, log });
  expect(again.state).toEqual(counters.state);
});

/** Null while the log is replayed, which waits for turns as well. */
type InPlace = ReplayedState<Map<string, number>, CounterRecord>;

test("a decision knows where its records will be, also while a snapshot is written", async () => {
  const log = await logOf(3 * SNAPSHOT_SLICE_RECORDS);
  const offsets = new Map<string, number>();
  const append = log.append.bind(log);
  log.append = (batch, epoch) => {
    let offset = log.nextOffset;
    for (const { key } of [...decodeBatches([batch])].flatMap((one) => [...one.records()])) {
      const name = new TextDecoder().decode(key!);
      // A snapshot has the same records again.
      if (!offsets.has(name)) offsets.set(name, offset);
      offset++;
    }
    return append(batch, epoch);
  };
  const foretold = new Map<string, number>();
  let counters: InPlace | null = null;
  const decideThree = () => {
    for (const size of [2, 0, 3]) {
      const at = counters!.nextOffset;
      const records = Array.from({ length: size }, (_, i) => ({ name: `at${at + i}`, value: i }));
      for (const [i, { name }] of records.entries()) foretold.set(name, at + i);
      void counters!.decide(() => ({ records, response: null }));
    }
  };
  let turns = 0;
  const nextTurn = async () => {
    if (counters !== null && turns++ % 2 === 0) decideThree();
    await turn();
  };
  counters = await ReplayedState.load(countersInPlace(), { ...OPTIONS, log, nextTurn });
  decideThree();
  await counters.settled();
  expect(log.startOffset).toBeGreaterThan(0);
  expect(foretold.size).toBeGreaterThan(15);
  for (const [name, offset] of foretold) expect(offsets.get(name)).toBe(offset);
});

test("of a state that changes in place lets decisions through between its slices", async () => {
  const log = await logOf(3 * SNAPSHOT_SLICE_RECORDS);
  let answered = 0;
  const answeredAtTurn: number[] = [];
  let counters: InPlace | null = null;
  const nextTurn = async () => {
    if (counters === null) return;
    answeredAtTurn.push(answered);
    void counters.decide(increment("c7")).then(() => {
      answered += 1;
    });
    await turn();
  };
  counters = await ReplayedState.load(countersInPlace(), { ...OPTIONS, log, nextTurn });
  await counters.decide(increment("c0"));
  await counters.settled();
  expect(log.startOffset).toBeGreaterThan(0);
  expect(answeredAtTurn).toEqual(answeredAtTurn.map((_, i) => i));
});

/** Records the operations on a log, so that they can be repeated up to any of them. */
function remember(log: Log): (() => Promise<unknown>)[] {
  const operations: (() => Promise<unknown>)[] = [];
  const append = log.append.bind(log);
  const deleteBefore = log.deleteBefore.bind(log);
  log.append = (batch, epoch) => {
    const copy = batch.slice();
    operations.push(() => redone!.append(copy.slice(), 0));
    return append(batch, epoch);
  };
  log.deleteBefore = (offset) => {
    operations.push(() => redone!.deleteBefore(offset));
    return deleteBefore(offset);
  };
  return operations;
}
let redone: Log | undefined;

test("survives a crash at any point, with decisions in between", async () => {
  const random = new SeededRandom(seedOf("snapshots in slices"));
  const names = 3 * SNAPSHOT_SLICE_RECORDS;
  const log = await logOf(names);
  const operations = remember(log);
  const seen: string[] = [];
  // Two counters that always change together, so that half of a decision would be noticed.
  const both = (state: Counters) => {
    const value = (state.get("first") ?? 0) + 1;
    const records = [
      { name: "first", value },
      { name: "last", value },
    ];
    return { records, response: value };
  };
  let counters: InPlace | null = null;
  const nextTurn = async () => {
    if (counters === null) return;
    const name = `c${random.below(names)}`;
    if (random.chance(0.3)) void counters.decide(remove(name));
    else void counters.decide(increment(name));
    void counters.decide(both);
    if (random.chance(0.5)) void counters.decide(both);
    seen.push(name);
    await turn();
  };
  // They lie at the two ends of the map, so in the first slice and in the last.
  const initial = new Map([["first", 0]]);
  const machine = { ...countersInPlace(), initial };
  counters = await ReplayedState.load(machine, { ...OPTIONS, log, nextTurn });
  await counters.decide(both);
  await counters.settled();
  expect(seen.length).toBeGreaterThan(3);
  for (let crash = 0; crash <= operations.length; crash++) {
    redone = await logOf(names);
    for (const operation of operations.slice(0, crash)) await operation();
    const again = await ReplayedState.load(countersInPlace(), { ...OPTIONS, log: redone });
    expect(again.state.get("first"), `after operation ${crash}`).toBe(again.state.get("last"));
    if (crash === operations.length) expect(again.state).toEqual(counters.state);
    else expect(again.state.size).toBeGreaterThan(names - seen.length - 1);
  }
});
