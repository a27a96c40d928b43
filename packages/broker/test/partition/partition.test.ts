import { ErrorCode } from "@tarpan/protocol";
import { expect, test } from "vitest";
import type { Log, LogOptions } from "../../src/log/log.ts";
import { LogError } from "../../src/log/log-error.ts";
import { MemoryEngine } from "../../src/log/memory.ts";
import { Partition } from "../../src/partition/partition.ts";
import { testEnv } from "../env/test-env.ts";
import { ID, World } from "../log/jetstream/world.ts";
import { batchOf, headerOf, producerBatch } from "./batches.ts";

const id = { topic: "t", topicId: "6ba7b810-9dad-41d1-80b4-00c04fd430c8", partition: 0 };
const options: LogOptions = { segmentBytes: 1 << 30, segmentMs: 1 << 30, indexIntervalBytes: 4096 };

async function newPartition(leaderEpoch = 0) {
  const engine = new MemoryEngine(testEnv());
  const log = await engine.create(id, options);
  return { engine, log, partition: await Partition.open(id, log, leaderEpoch) };
}

/** A partition of a replicated log, and another broker's engine. */
async function led() {
  const world = new World();
  const { replication } = world.engine();
  await world.run(replication.provision(ID, options));
  const log = await world.run(replication.lead(ID, { ...options, leaderEpoch: 5 }));
  return { world, partition: await world.run(Partition.open(ID, log, 5)), engine: world.engine() };
}

const append = (partition: Partition, batch: Uint8Array) =>
  partition.append(batch, headerOf(batch));

test("offsets are given in call order, before anything is durable", async () => {
  const { partition } = await newPartition();
  const outcomes = await Promise.all([3, 1, 2].map((count) => append(partition, batchOf(count))));
  expect(outcomes.map((outcome) => outcome.baseOffset)).toEqual([0, 3, 4]);
  expect(partition.highWatermark).toBe(6);
});

test("a retried batch is stored once and answered with its first offset", async () => {
  const { partition } = await newPartition();
  await append(partition, producerBatch(0, { count: 2 }));
  const again = await append(partition, producerBatch(0, { count: 2 }));
  expect(again).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 0 });
  expect(partition.highWatermark).toBe(2);
});

test("a copy of a batch in flight is answered once the original is durable", async () => {
  const { partition, log } = await newPartition();
  const first = append(partition, producerBatch(0));
  const copy = append(partition, producerBatch(0)).then((outcome) => {
    expect(log.endOffset).toBe(1);
    return outcome;
  });
  expect(log.endOffset).toBe(0);
  expect((await first).baseOffset).toBe(0);
  expect((await copy).baseOffset).toBe(0);
  expect(log.nextOffset).toBe(1);
});

test("gaps and old epochs are refused with Kafka's codes", async () => {
  const { partition } = await newPartition();
  await append(partition, producerBatch(0, { producerEpoch: 3 }));
  const gap = await append(partition, producerBatch(5, { producerEpoch: 3 }));
  expect(gap.errorCode).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
  const old = await append(partition, producerBatch(1, { producerEpoch: 2 }));
  expect(old.errorCode).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
  expect(partition.highWatermark).toBe(1);
});

test("a former leader does not refuse as out of order what it has not seen", async () => {
  const { world, partition, engine } = await led();
  await world.run(append(partition, producerBatch(0)));
  const log = await world.run(engine.replication.lead(ID, { ...options, leaderEpoch: 6 }));
  const successor = await world.run(Partition.open(ID, log, 6));
  await world.run(append(successor, producerBatch(1)));
  const told = await world.run(append(partition, producerBatch(2)));
  expect(told.errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  expect(await world.run(append(successor, producerBatch(2)))).toMatchObject({ baseOffset: 2 });
  const gap = await world.run(append(successor, producerBatch(9)));
  expect(gap.errorCode).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
  expect(await world.run(append(successor, producerBatch(3)))).toMatchObject({ baseOffset: 3 });
});

test("a failed append leaves no producer state", async () => {
  const { partition, log } = await newPartition();
  await append(partition, producerBatch(0));
  const real = log.append.bind(log);
  log.append = () => Promise.reject(new LogError("disk-full", "no space"));
  const failed = await append(partition, producerBatch(1));
  expect(failed).toMatchObject({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR, baseOffset: -1 });
  log.append = real;
  const retried = await append(partition, producerBatch(1));
  expect(retried).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 1 });
});

test.each([
  ["from a checkpoint", (partition: Partition) => partition.close()],
  ["by scanning", (_: Partition, log: Log) => log.close()],
])("a partition opened again knows its producers and epochs %s", async (_, close) => {
  const { engine, log, partition } = await newPartition(2);
  await append(partition, producerBatch(0, { count: 3 }));
  partition.lead(4);
  await append(partition, producerBatch(3));
  await close(partition, log);

  const reopened = await Partition.open(id, await engine.open(id, options), 5);
  const duplicate = await append(reopened, producerBatch(0, { count: 3 }));
  expect(duplicate).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 0 });
  expect(reopened.endOfEpoch(2)).toEqual({ epoch: 2, endOffset: 3 });
  expect(reopened.endOfEpoch(4)).toEqual({ epoch: 4, endOffset: 4 });
  expect(reopened.endOfEpoch(5)).toEqual({ epoch: 5, endOffset: 4 });
  expect(reopened.producerCount).toBe(1);
});
