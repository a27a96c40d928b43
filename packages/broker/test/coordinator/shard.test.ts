import { ErrorCode } from "@tarpan/protocol";
import { expect, test } from "vitest";
import type { BrokerConfig } from "../../src/config/kafka/typed.ts";
import { AWAKE_MS, PAUSED_MS } from "../../src/coordinator/limits.ts";
import { CoordinatorShard } from "../../src/coordinator/shard.ts";
import { LogError } from "../../src/log/log-error.ts";
import { MemoryEngine } from "../../src/log/memory.ts";
import { EMPTY_IMAGE } from "../../src/metadata/image.ts";
import { Partition } from "../../src/partition/partition.ts";
import { ClockJumps } from "../../src/util/clock-jumps.ts";
import { KafkaError } from "../../src/util/kafka-error.ts";
import { ManualTime } from "../env/manual-time.ts";
import { SeededRandom } from "../env/seeded-random.ts";
import { testEnv } from "../env/test-env.ts";
import { add, counterMachine, FORGET_AFTER_MS, nextOf } from "./counter.ts";

const ID = { topic: "__counters", topicId: "AAAAAAAAAAAAAAAAAAAAAQ", partition: 0 };
const OPTIONS = { segmentBytes: 1 << 30, segmentMs: 1 << 30, indexIntervalBytes: 4096 };

async function newShard(machine = counterMachine) {
  const engine = new MemoryEngine(testEnv());
  const log = await engine.create(ID, OPTIONS);
  const partition = await Partition.open(ID, log, 0);
  const time = new ManualTime();
  const bugs: unknown[] = [];
  const world = {
    env: { clock: time, timers: time, random: new SeededRandom(1) },
    image: () => EMPTY_IMAGE,
    config: () => ({}) as BrokerConfig,
    jumps: new ClockJumps(time),
    reportBug: (error: unknown) => bugs.push(error),
    onFailure() {},
  };
  const load = () => CoordinatorShard.load(partition, machine, world);
  return { shard: await load(), load, log, time, bugs };
}

test("a reply is sent when the records of its turn are durable", async () => {
  const { shard, log } = await newShard();
  const seen: number[] = [];
  const answered = shard.run<number>((turn, reply) => {
    turn.append({ name: "a", count: 5 });
    turn.whenDurable(() => reply(log.endOffset));
    seen.push(log.endOffset);
  });
  expect(seen).toEqual([0]);
  expect(await answered).toBe(1);
});

test("after a pause of the process, requests come before deadlines", async () => {
  const forgotten: string[] = [];
  const { shard, time } = await newShard({
    ...counterMachine,
    fired(_turn, { name }) {
      forgotten.push(name);
    },
  });
  await shard.run(add("silent", 1));
  await shard.run(add("active", 1));
  time.skip(2 * FORGET_AFTER_MS);
  // The alarm is the first that runs, before the requests that came in during the pause.
  time.advance(0);
  expect(forgotten).toEqual([]);
  await shard.run(add("active", 1));
  time.advance(AWAKE_MS - 1);
  expect(forgotten).toEqual([]);
  time.advance(1);
  expect(forgotten).toEqual(["silent"]);
  time.advance(FORGET_AFTER_MS - AWAKE_MS);
  expect(forgotten).toEqual(["silent", "active"]);
});

test("a process that is always late still lets deadlines fire", async () => {
  const forgotten: string[] = [];
  const { shard, time } = await newShard({
    ...counterMachine,
    fired(_turn, { name }) {
      forgotten.push(name);
    },
  });
  await shard.run(add("silent", 1));
  time.skip(2 * FORGET_AFTER_MS);
  time.advance(0);
  time.skip(AWAKE_MS + 2 * PAUSED_MS);
  time.advance(0);
  expect(forgotten).toEqual(["silent"]);
});

test("a request may wait for a later turn, or for a deadline", async () => {
  const { shard, time } = await newShard({
    ...counterMachine,
    fired(turn, { name }) {
      for (const reply of turn.state.waiting.get(name) ?? []) turn.reply(reply, -1);
    },
  });
  const waiting = shard.run(nextOf("a"));
  expect(await shard.run(add("a", 3))).toBe(3);
  expect(await waiting).toBe(3);
  const patient = shard.run(nextOf("a"));
  time.advance(FORGET_AFTER_MS - 1);
  expect(time.pendingTimers).toBeGreaterThan(0);
  time.advance(1);
  expect(await patient).toBe(-1);
});

test("a deadline that is due runs the machine's fired(), and its records are stored", async () => {
  const { shard, load, time } = await newShard();
  await shard.run(add("a", 1));
  time.advance(FORGET_AFTER_MS / 2);
  await shard.run(add("b", 2));
  time.advance(FORGET_AFTER_MS / 2);
  expect(await shard.run(add("b", 0))).toBe(2);
  expect(await (await load()).run(add("a", 0))).toBe(0);
});

test("a load arms the deadlines again", async () => {
  const { shard, load, time } = await newShard();
  await shard.run(add("a", 1));
  shard.close(ErrorCode.NOT_COORDINATOR);
  time.advance(FORGET_AFTER_MS);
  const again = await load();
  expect(await again.run((turn, reply) => turn.reply(reply, turn.state.counts.get("a")))).toBe(1);
  time.advance(FORGET_AFTER_MS);
  expect(await again.run(add("a", 1))).toBe(1);
});

test("a delay is cut to what a timer can hold, and to 0 when it is negative", async () => {
  const { shard, time } = await newShard();
  await shard.run((turn, reply) => {
    turn.append({ name: "a", count: 1 });
    turn.arm({ kind: "forget", name: "a", key: "long" }, Number.MAX_SAFE_INTEGER);
    turn.arm({ kind: "forget", name: "b", key: "past" }, -5);
    turn.reply(reply, null);
  });
  time.advance(0);
  const armed = () =>
    shard.run<boolean[]>((turn, reply) =>
      turn.reply(
        reply,
        ["long", "past"].map((key) => turn.isArmed(key)),
      ),
    );
  expect(await armed()).toEqual([true, false]);
  time.advance(2 ** 31 - 1);
  expect(await armed()).toEqual([false, false]);
});

test("afterwards() runs on the turn's records, before any other turn", async () => {
  const { shard } = await newShard();
  const seen: string[] = [];
  const first = shard.run<number>((turn, reply) => {
    turn.append({ name: "a", count: 5 });
    seen.push(`first ${turn.state.counts.get("a")}`);
    turn.afterwards((next) => {
      seen.push(`next ${next.state.counts.get("a")}`);
      next.append({ name: "a", count: 6 });
      next.reply(reply, 6);
    });
  });
  const second = shard.run<number | undefined>((turn, reply) => {
    seen.push("second");
    turn.reply(reply, turn.state.counts.get("a"));
  });
  expect(seen).toEqual(["first undefined", "next 5", "second"]);
  expect([await first, await second]).toEqual([6, 6]);
});

test("a failed append refuses every waiting request; a load restores the log's state", async () => {
  const { shard, load, log } = await newShard();
  await shard.run(add("a", 1));
  const patient = shard.run(nextOf("a"));
  const real = log.append.bind(log);
  log.append = () => Promise.reject(new LogError("disk-full", "no space"));
  const failed = shard.run(add("b", 2));
  await expect(failed).rejects.toBeInstanceOf(KafkaError);
  await expect(patient).rejects.toMatchObject({ errorCode: ErrorCode.NOT_COORDINATOR });
  expect(shard.failed).toBe(true);
  await expect(shard.run(add("a", 3))).rejects.toBeInstanceOf(KafkaError);
  log.append = real;
  const again = await load();
  expect(await again.run(add("a", 4))).toBe(5);
  expect(await again.run(add("b", 4))).toBe(4);
});

test("an operation that throws ends the shard, and none of its records is written", async () => {
  const { shard, log, bugs } = await newShard();
  await expect(
    shard.run((turn) => {
      turn.append({ name: "a", count: 1 });
      turn.afterwards(() => log.append(new Uint8Array(0), 0));
      throw new Error("a bug");
    }),
  ).rejects.toMatchObject({ errorCode: ErrorCode.NOT_COORDINATOR });
  expect(shard.failed).toBe(true);
  expect(log.endOffset).toBe(0);
  expect(bugs).toEqual([new Error("a bug")]);
});

test("a closed shard refuses waiting and new requests", async () => {
  const { shard } = await newShard();
  const patient = shard.run(nextOf("a"));
  shard.close(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  await expect(patient).rejects.toMatchObject({ errorCode: 15 });
  await expect(shard.run(add("a", 1))).rejects.toMatchObject({ errorCode: 15 });
});

test("of deadlines due together, each sees the applied records of those before it", async () => {
  const seen: string[] = [];
  const { shard, time } = await newShard({
    ...counterMachine,
    fired(turn, { name }) {
      seen.push(`${name} sees ${turn.state.counts.get("a")}`);
      if (name === "a") turn.append({ name, count: 5 });
      if (name === "a") turn.disarm("forget/b");
    },
  });
  for (const name of ["a", "b", "c"]) await shard.run(add(name, 1));
  time.advance(FORGET_AFTER_MS);
  await shard.run((turn, reply) => turn.reply(reply, null));
  expect(seen).toEqual(["a sees 1", "c sees 5"]);
});
