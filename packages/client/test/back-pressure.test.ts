// A producer whose buffer is full, or that waits for metadata: Kafka's buffer.memory, max.block.ms.
import { type Api, Produce } from "@tarpan/protocol";
import { afterEach, describe, expect, test } from "vitest";
import { Producer, type ProducerOptions, type ProducerRecord } from "../src/index.ts";
import { BufferMemory } from "../src/producer/buffer-memory.ts";
import { scriptedBrokers } from "./scripted-brokers.ts";

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

describe("memory", () => {
  const outcomes: string[] = [];
  const call = (name: string, bytes: number) => ({
    bytes,
    settle: (refusal: Error | null) => void outcomes.push(`${name} ${refusal === null}`),
  });
  afterEach(() => void outcomes.splice(0));

  test("calls get it in their order: a small one does not pass a large one", async () => {
    const memory = new BufferMemory(100, 60_000);
    expect(memory.take(90)).toBe(true);
    expect(memory.take(20)).toBe(false);
    memory.wait(call("large", 80));
    expect(memory.take(5)).toBe(false);
    memory.wait(call("small", 5));
    memory.release(30);
    expect(outcomes).toEqual([]);
    let ready = false;
    void memory.ready().then(() => {
      ready = true;
    });
    memory.release(60);
    expect(outcomes).toEqual(["large true", "small true"]);
    memory.release(20);
    await Promise.resolve();
    expect(ready).toBe(false);
    memory.release(30);
    await Promise.resolve();
    expect(ready).toBe(true);
  });

  test("a call larger than all memory gets it once half is free", () => {
    const memory = new BufferMemory(100, 60_000);
    expect(memory.take(60)).toBe(true);
    memory.wait(call("huge", 1_000));
    memory.release(10);
    expect(outcomes).toEqual(["huge true"]);
    expect(memory.take(1)).toBe(false);
    memory.release(1_050);
    expect(memory.take(1)).toBe(true);
  });

  test("when the first call is given up, those behind it get what is free", async () => {
    const memory = new BufferMemory(100, 30);
    expect(memory.take(90)).toBe(true);
    memory.wait(call("large", 80));
    await new Promise((resolve) => setTimeout(resolve, 15));
    memory.wait(call("small", 5));
    while (outcomes.length < 2) await new Promise(setImmediate);
    expect(outcomes).toEqual(["large false", "small true"]);
  });
});

const known = {
  ...{ errorCode: 0, name: "t", isInternal: false },
  partitions: [
    {
      ...{ errorCode: 0, partitionIndex: 0, leaderId: 1, leaderEpoch: 0 },
      ...{ replicaNodes: [1], isrNodes: [1], offlineReplicas: [] },
    },
  ],
};

/** A producer whose broker acknowledges the next batch with each call of `acknowledge`. */
async function producerOf(options: ProducerOptions, topics: readonly object[] = [known]) {
  const batches: number[] = [];
  const waiting: ((body: object) => void)[] = [];
  const answered = (baseOffset: number) => ({
    responses: [
      {
        name: "t",
        partitionResponses: [
          { index: 0, errorCode: 0, baseOffset, logAppendTimeMs: -1, logStartOffset: 0 },
        ],
      },
    ],
  });
  const scripted = await scriptedBrokers(
    1,
    [[Produce as Api, 7]],
    () => topics,
    () => {
      batches.push(batches.length);
      return new Promise<object>((resolve) => waiting.push(resolve));
    },
  );
  const producer = new Producer(scripted.client, { idempotent: false, ...options });
  closing.push(scripted.close);
  const acknowledge = async () => {
    while (waiting.length === 0) await new Promise(setImmediate);
    waiting.shift()!(answered(batches.length));
  };
  return { producer, acknowledge, client: scripted.client };
}

const record = (value: string): ProducerRecord => ({ topic: "t", partition: 0, value });

test("send waits while the buffer is full, and records keep their order", async () => {
  const { producer, acknowledge } = await producerOf({ bufferMemoryBytes: 2_000, batchBytes: 1 });
  const settled: number[] = [];
  const sent = [0, 1, 2, 3, 4, 5].map((n) =>
    producer.send(record("x".repeat(400))).then(() => settled.push(n)),
  );
  const flushed = producer.flush();
  for (const _ of sent) await acknowledge();
  await flushed;
  expect(settled).toEqual([0, 1, 2, 3, 4, 5]);
  await producer.close();
});

test("after maxBlockMs send rejects with the state, and sends nothing of the call", async () => {
  const { producer, acknowledge } = await producerOf({ bufferMemoryBytes: 1_000, maxBlockMs: 20 });
  const first = producer.send(record("x".repeat(900)));
  await expect(producer.sendBatch([record("a"), record("b")])).rejects.toMatchObject({
    ...{ code: "TARPAN_BUFFER_FULL", retriable: true },
    message: expect.stringMatching(/\d of 1,000 bytes .* within 20 ms.*maxBlockMs/),
  });
  await acknowledge();
  await first;
  const again = producer.send(record("c"));
  await acknowledge();
  expect(await again).toMatchObject({ offset: 2 });
});

test("a topic without metadata: rejects after maxBlockMs, and works once a broker tells", async () => {
  const leaderless = { ...known, errorCode: 5, partitions: [] };
  const topics: object[] = [leaderless];
  const { producer, acknowledge } = await producerOf({ maxBlockMs: 60 }, topics);
  await expect(producer.send(record("a"))).rejects.toMatchObject({
    ...{ code: "TARPAN_NO_METADATA", retriable: true },
    message: expect.stringContaining("partitions of t within 60 ms"),
  });
  topics[0] = known;
  const sent = (async () => {
    for (;;)
      try {
        return await producer.send(record("b"));
      } catch (error) {
        expect(error).toMatchObject({ code: "TARPAN_NO_METADATA" });
      }
  })();
  await acknowledge();
  expect(await sent).toMatchObject({ topic: "t" });
});
