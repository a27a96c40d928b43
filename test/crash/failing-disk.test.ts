// The system calls of a real broker fail, for some of its files.
import { CreateTopics, ErrorCode } from "@tarpan/protocol";
import { expect, it, type TestContext } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { FailingCalls } from "../harness/faults/failing-calls.ts";
import { atFileEnd } from "../harness/file-end.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { RawMember } from "../harness/raw-group.ts";
import { createTopic, fetch, produce, readAll, textBatch } from "../harness/records.ts";

const { NONE, KAFKA_STORAGE_ERROR } = ErrorCode;

interface World {
  readonly broker: BrokerProcess;
  readonly faults: FailingCalls;
  connection: RawConnection;
}

/** A broker with topics of three records each, none of them in its memory. */
async function brokerWith(context: TestContext, topics: readonly string[], flags: string[] = []) {
  const faults = await FailingCalls.build();
  if (typeof faults === "string") return context.skip(faults);
  const own = ["--kafka", "group.initial.rebalance.delay.ms=0", ...flags];
  const broker = new BrokerProcess({ flags: own, env: faults.env });
  atFileEnd(() => broker.kill9());
  await broker.start();
  const connection = await RawConnection.open(broker.port);
  for (const topic of topics) {
    await createTopic(connection, topic);
    for (const value of ["0", "1", "2"]) await produce(connection, topic, textBatch(value));
  }
  const world: World = { broker, faults, connection };
  expect(await restarted(world)).toBe(0);
  return world;
}

/** Stops the broker in order and starts it again; resolves to its exit code. */
async function restarted(world: World): Promise<number | null> {
  const code = await world.broker.stop();
  await world.broker.start();
  world.connection = await RawConnection.open(world.broker.port);
  return code;
}

async function send({ connection }: World, topic: string, value: string): Promise<number> {
  return (await produce(connection, topic, textBatch(value))).errorCode;
}

async function valuesOf({ connection }: World, topic: string): Promise<string[]> {
  const { records } = await readAll(connection, topic);
  return records.map(({ value }) => Buffer.from(value!, "base64").toString());
}

/** The operator's log and `/ready` say why a partition is offline. */
async function expectTold({ broker }: World, topic: string, why: RegExp): Promise<void> {
  const ready = await globalThis.fetch(`http://${broker.bootstrap}/ready`);
  expect(ready.status).toBe(503);
  expect(await ready.text()).toMatch(new RegExp(`${topic}-0: .*${why.source}`));
  const lines = broker.output.split("\n").filter((line) => line.includes(`${topic}-0 is offline`));
  expect(lines).toEqual([expect.stringMatching(why)]);
  expect(lines[0]).toContain('"level":"error"');
}

const BACK = { timeout: 15_000, interval: 100 };

it.concurrent("EIO on writes and reads fails only what meets it, and ends by itself", async (context) => {
  const { poll } = context.expect;
  const topics = ["plain", "sound", "unwritten", "unsynced", "unread"];
  const world = await brokerWith(context, topics);
  const { broker, faults } = world;
  const member = await RawMember.alone(broker.port, "g");
  expect(await member.commit({})).toBe(NONE);

  await faults.fail("write", "EIO", "/unwritten-0/");
  await faults.fail("late-write", "EIO", "/unsynced-0/");
  await faults.fail("read", "EIO", "/unread-0/");
  await faults.fail("write", "EIO", "/__consumer_offsets-");
  expect(await send(world, "unwritten", "lost")).toBe(KAFKA_STORAGE_ERROR);
  expect(await send(world, "unsynced", "maybe")).toBe(KAFKA_STORAGE_ERROR);
  expect(await fetch(world.connection, "unread", 0)).toMatchObject({
    errorCode: KAFKA_STORAGE_ERROR,
  });
  // The end of the log must be read before it can be written.
  expect(await send(world, "unread", "not yet")).toBe(KAFKA_STORAGE_ERROR);
  expect(await send(world, "sound", "3")).toBe(NONE);
  expect(await member.heartbeat()).toBe(NONE);
  expect(await member.commit({})).not.toBe(NONE);
  await expectTold(world, "unwritten", /write failed: EIO/);
  await expectTold(world, "unsynced", /write failed: EIO/);
  expect(broker.output).toMatch(/unread-0: cannot read at 0: .*EIO/);

  await faults.end();
  expect(await send(world, "unread", "3")).toBe(NONE);
  expect(await valuesOf(world, "unread")).toEqual(["0", "1", "2", "3"]);
  await poll(() => send(world, "unwritten", "3"), BACK).toBe(NONE);
  await poll(() => send(world, "unsynced", "3"), BACK).toBe(NONE);
  await poll(() => member.heartbeat(), BACK).toBe(NONE);
  await poll(() => member.commit({}), BACK).toBe(NONE);
  expect(broker.output).toContain("unwritten-0 is online again");
  await broker.restart();
  world.connection = await RawConnection.open(broker.port);
  expect(await valuesOf(world, "unwritten")).toEqual(["0", "1", "2", "3"]);
  expect((await valuesOf(world, "unsynced")).filter((one) => one !== "maybe")).toEqual([
    ...["0", "1", "2", "3"],
  ]);
  expect(broker.bugs).toEqual([]);
}, 60_000);

it.concurrent("a failed fsync takes the partition offline until it was read again", async (context) => {
  const { poll } = context.expect;
  const flags = ["--flush", "interval", "--flush-interval", "20ms"];
  const world = await brokerWith(context, ["eio", "enospc"], flags);
  const { broker, faults } = world;
  for (const [topic, errno] of [
    ["eio", "EIO"],
    ["enospc", "ENOSPC"],
  ] as const) {
    await faults.fail("sync", errno, `/${topic}-0/`);
    expect(await send(world, topic, "3")).toBe(NONE);
    await poll(() => send(world, topic, "not sent")).toBe(KAFKA_STORAGE_ERROR);
    await expectTold(world, topic, new RegExp(`sync failed: ${errno}`));
  }
  await faults.end();
  for (const topic of ["eio", "enospc"]) {
    await poll(() => send(world, topic, "last"), BACK).toBe(NONE);
  }
  expect(await restarted(world)).toBe(0);
  for (const topic of ["eio", "enospc"]) {
    const values = (await valuesOf(world, topic)).filter((value) => value !== "not sent");
    expect(values).toEqual(["0", "1", "2", "3", "last"]);
  }
  expect(broker.bugs).toEqual([]);
}, 60_000);

it.concurrent("EMFILE makes reads and writes wait, and fails nothing", async (context) => {
  const { poll } = context.expect;
  const world = await brokerWith(context, ["waits"]);
  const { broker, faults } = world;
  await faults.fail("open", "EMFILE", "/waits-0/");
  let answers = 0;
  const other = await RawConnection.open(broker.port);
  const sent = send(world, "waits", "3").finally(() => answers++);
  const read = fetch(other, "waits", 0).finally(() => answers++);
  await poll(() => broker.output).toContain("reached its limit of open files");
  expect(answers).toBe(0);
  await faults.end();
  expect(await sent).toBe(NONE);
  expect(await read).toMatchObject({ errorCode: NONE });
  expect(await valuesOf(world, "waits")).toEqual(["0", "1", "2", "3"]);
  other.close();
}, 60_000);

it.concurrent("EIO on the metadata's log refuses changes until a restart", async (context) => {
  const world = await brokerWith(context, ["plain"]);
  const { broker, faults } = world;
  await faults.fail("write", "EIO", "/__cluster_metadata-0/");
  const topic = { name: "new", numPartitions: 1, replicationFactor: 1 };
  const topics = [{ ...topic, assignments: [], configs: [] }];
  const body = { topics, timeoutMs: 10_000, validateOnly: false };
  const create = async () => {
    const { topics } = await world.connection.request(CreateTopics, 7, body);
    return topics[0]!.errorCode;
  };
  expect(await create()).toBe(KAFKA_STORAGE_ERROR);
  await faults.end();
  expect(await create()).toBe(KAFKA_STORAGE_ERROR);
  expect(await send(world, "plain", "3")).toBe(NONE);
  const ready = await globalThis.fetch(`http://${broker.bootstrap}/ready`);
  expect(await ready.text()).toMatch(/metadata: .*restart the broker/);
  expect(await restarted(world)).toBe(0);
  expect(await create()).toBe(NONE);
  expect(await valuesOf(world, "plain")).toEqual(["0", "1", "2", "3"]);
}, 60_000);
