import { ErrorCode } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { LogError } from "../../src/log/log-error.ts";
import { MemoryEngine } from "../../src/log/memory.ts";
import type { Partition } from "../../src/partition/partition.ts";
import { testEnv } from "../env/test-env.ts";
import { batchOf, headerOf } from "./batches.ts";
import { abortedFrom, create, end, expectError, open, send } from "./transactions.ts";

const newPartition = () => create(new MemoryEngine(testEnv()));

/** Lets the next append take its offset, and then fail. */
function failNext(partition: Partition) {
  const { log } = partition;
  const { append } = log;
  log.append = (batch, epoch) => {
    log.append = append;
    return append.call(log, batch, epoch).then(() => {
      throw new LogError("disk-full", "no space");
    });
  };
}

describe("the last stable offset", () => {
  it("stays before the first open transaction, until that has ended", async () => {
    const partition = await newPartition();
    await send(partition, { producerId: 1, transactional: false });
    await send(partition, { producerId: 2 });
    await send(partition, { producerId: 3 });
    expect(partition.lastStableOffset).toBe(1);
    await end(partition, true, { producerId: 3 });
    expect(partition.lastStableOffset).toBe(1);
    await end(partition, true, { producerId: 2 });
    expect(partition.lastStableOffset).toBe(5);
  });

  it("does not count a marker that is not durable", async () => {
    const partition = await newPartition();
    await send(partition, { producerId: 2 });
    const ending = end(partition, true, { producerId: 2 });
    expect(partition.lastStableOffset).toBe(0);
    await ending;
    expect(partition.lastStableOffset).toBe(2);
  });

  it("is not below the start of the log", async () => {
    const partition = await newPartition();
    await send(partition, { producerId: 2, count: 3 });
    await partition.deleteBefore(2);
    expect(partition.lastStableOffset).toBe(2);
  });

  it("wakes fetches that wait for more bytes than a marker has", async () => {
    const partition = await newPartition();
    await send(partition, { producerId: 2 });
    const woken: number[] = [];
    partition.onAdvance((bytes) => void woken.push(bytes));
    await end(partition, true, { producerId: 2 });
    expect(woken.at(-1)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("aborted transactions", () => {
  it("are told to those who read their records", async () => {
    const partition = await newPartition();
    await send(partition, { producerId: 1, count: 2 });
    await send(partition, { producerId: 2 });
    await end(partition, false, { producerId: 1 });
    await end(partition, true, { producerId: 2 });
    await send(partition, { producerId: 1, sequence: 2 });
    await end(partition, false, { producerId: 1 });
    expect(await abortedFrom(partition, 0)).toEqual([
      [1, 0],
      [1, 5],
    ]);
    expect(await abortedFrom(partition, 3)).toEqual([
      [1, 0],
      [1, 5],
    ]);
    expect(await abortedFrom(partition, 4)).toEqual([[1, 5]]);
    await partition.deleteBefore(4);
    partition.forgetOld(0);
    expect(await abortedFrom(partition, 4)).toEqual([[1, 5]]);
  });

  it("without records have no effect", async () => {
    const partition = await newPartition();
    await end(partition, false, { producerId: 1 });
    expect(partition.lastStableOffset).toBe(1);
    expect(await abortedFrom(partition, 0)).toEqual([]);
  });
});

describe("a batch", () => {
  it("needs a transaction that the coordinator knows of", async () => {
    const partition = await newPartition();
    const batch = batchOf(1, {
      producerId: 1,
      producerEpoch: 0,
      baseSequence: 0,
      transactional: true,
    });
    const header = headerOf(batch);
    await expectError(partition.append(batch, header), ErrorCode.INVALID_TXN_STATE);
    const verification = partition.verify(header, false, 0);
    expect(verification).not.toBeNull();
    // While the coordinator answers, it ends the transaction.
    await end(partition, false, { producerId: 1 });
    const late = partition.append(batch, header, 0, null, verification);
    await expectError(late, ErrorCode.INVALID_TXN_STATE);
    await expectError(send(partition, { producerId: 1 }), ErrorCode.NONE);
    const next = { producerId: 1, producerEpoch: 0, baseSequence: 1, transactional: true };
    expect(partition.verify(headerOf(batchOf(1, next)), false, 0)).toBeNull();
  });

  it("is stored once, also if its copy comes after the end; a gap is refused", async () => {
    const partition = await newPartition();
    for (let sequence = 0; sequence < 7; sequence++) {
      await expectError(send(partition, { producerId: 1, epoch: 4, sequence }), ErrorCode.NONE);
    }
    const again = (sequence: number, epoch = 4) =>
      send(partition, { producerId: 1, epoch, sequence });
    expect(await again(2)).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 2 });
    // Of a producer the last five batches are remembered.
    await expectError(again(0), ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    await expectError(again(8), ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    await expectError(again(7, 3), ErrorCode.INVALID_PRODUCER_EPOCH);
    await end(partition, true, { producerId: 1, epoch: 4 });
    expect(await again(5)).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 5 });
    expect(partition.highWatermark).toBe(8);
    expect(partition.lastStableOffset).toBe(8);
  });

  it("of the next transaction keeps its verification if each has an epoch of its own", async () => {
    const partition = await newPartition();
    await send(partition, { producerId: 1, bumpsEpoch: true });
    const batch = batchOf(1, {
      producerId: 1,
      producerEpoch: 1,
      baseSequence: 0,
      transactional: true,
    });
    const verification = partition.verify(headerOf(batch), true, 0);
    await end(partition, true, { producerId: 1, epoch: 1, bumpsEpoch: true });
    const append = partition.append(batch, headerOf(batch), 0, null, verification);
    await expectError(append, ErrorCode.NONE);
  });

  it("that comes later must not become the first one", async () => {
    const partition = await newPartition();
    const first = batchOf(1, {
      producerId: 1,
      producerEpoch: 0,
      baseSequence: 5,
      transactional: true,
    });
    const second = batchOf(1, {
      producerId: 1,
      producerEpoch: 0,
      baseSequence: 6,
      transactional: true,
    });
    partition.verify(headerOf(first), false, 0);
    const verification = partition.verify(headerOf(second), false, 0);
    const append = partition.append(second, headerOf(second), 0, null, verification);
    await expectError(append, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
  });

  it("outside of its producer's open transaction is refused", async () => {
    const partition = await newPartition();
    await send(partition, { producerId: 1 });
    const outside = send(partition, { producerId: 1, sequence: 1, transactional: false });
    await expectError(outside, ErrorCode.INVALID_TXN_STATE);
  });

  it("after a marker with a newer epoch begins at sequence 0", async () => {
    const partition = await newPartition();
    await send(partition, { producerId: 1, count: 3 });
    await end(partition, true, { producerId: 1, epoch: 1, bumpsEpoch: true });
    const { INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER } = ErrorCode;
    await expectError(send(partition, { producerId: 1, sequence: 3 }), INVALID_PRODUCER_EPOCH);
    const gap = send(partition, { producerId: 1, epoch: 1, sequence: 3 });
    await expectError(gap, OUT_OF_ORDER_SEQUENCE_NUMBER);
    await expectError(send(partition, { producerId: 1, epoch: 1 }), ErrorCode.NONE);
  });

  it("whose append failed begins no transaction", async () => {
    const partition = await newPartition();
    failNext(partition);
    await expectError(send(partition, { producerId: 1 }), ErrorCode.KAFKA_STORAGE_ERROR);
    expect(partition.lastStableOffset).toBe(partition.highWatermark);
  });
});

describe("a marker", () => {
  it("with an old epoch is refused", async () => {
    const partition = await newPartition();
    await send(partition, { producerId: 1, epoch: 4 });
    const old = end(partition, true, { producerId: 1, epoch: 3 });
    await expectError(old, ErrorCode.INVALID_PRODUCER_EPOCH);
    // With an epoch for each transaction, its marker has the next one.
    const same = end(partition, true, { producerId: 1, epoch: 4, bumpsEpoch: true });
    await expectError(same, ErrorCode.INVALID_PRODUCER_EPOCH);
    const next = end(partition, true, { producerId: 1, epoch: 5, bumpsEpoch: true });
    await expectError(next, ErrorCode.NONE);
    const again = end(partition, true, { producerId: 1, epoch: 5, bumpsEpoch: true });
    await expectError(again, ErrorCode.NONE);
  });

  it("of the last epoch there is can end a transaction of it", async () => {
    const partition = await newPartition();
    await send(partition, { producerId: 1, epoch: 0x7fff });
    const ending = end(partition, true, { producerId: 1, epoch: 0x7fff, bumpsEpoch: true });
    await expectError(ending, ErrorCode.NONE);
  });

  it("of an old coordinator is refused", async () => {
    const partition = await newPartition();
    await end(partition, true, { producerId: 1, coordinatorEpoch: 5 });
    const old = end(partition, true, { producerId: 1, coordinatorEpoch: 4 });
    await expectError(old, ErrorCode.TRANSACTION_COORDINATOR_FENCED);
  });

  it("whose append failed ends nothing", async () => {
    const partition = await newPartition();
    await send(partition, { producerId: 1 });
    await send(partition, { producerId: 2 });
    failNext(partition);
    const failed = end(partition, false, { producerId: 1, epoch: 3 });
    await expectError(failed, ErrorCode.KAFKA_STORAGE_ERROR);
    expect(partition.lastStableOffset).toBe(0);
    await expectError(send(partition, { producerId: 1, sequence: 1 }), ErrorCode.NONE);
    await end(partition, true, { producerId: 1 });
    expect(await abortedFrom(partition, 0)).toEqual([]);
    expect(partition.lastStableOffset).toBe(1);
  });
});

describe("producers", () => {
  it("with an open transaction are not forgotten", async () => {
    const partition = await newPartition();
    await send(partition, { producerId: 1 });
    await send(partition, { producerId: 2, transactional: false });
    partition.forgetOld(Number.POSITIVE_INFINITY);
    expect(partition.producerCount).toBe(1);
    await end(partition, true, { producerId: 1 });
    partition.forgetOld(Number.POSITIVE_INFINITY);
    expect(partition.producerCount).toBe(0);
  });
});

describe.each(["from a checkpoint", "by scanning"])("a partition opened again %s", (how) => {
  it("knows its transactions", async () => {
    const engine = new MemoryEngine(testEnv());
    const partition = await create(engine);
    await send(partition, { producerId: 1 });
    await end(partition, false, { producerId: 1, epoch: 2, coordinatorEpoch: 7 });
    await send(partition, { producerId: 2 });
    if (how === "by scanning") await partition.log.close();
    else await partition.close();
    const again = await open(engine);
    expect(again.lastStableOffset).toBe(2);
    expect(await abortedFrom(again, 0)).toEqual([[1, 0]]);
    await expectError(send(again, { producerId: 1 }), ErrorCode.INVALID_PRODUCER_EPOCH);
    const old = end(again, true, { producerId: 1, epoch: 2, coordinatorEpoch: 6 });
    await expectError(old, ErrorCode.TRANSACTION_COORDINATOR_FENCED);
    const next = batchOf(1, {
      producerId: 2,
      producerEpoch: 0,
      baseSequence: 1,
      transactional: true,
    });
    expect(again.verify(headerOf(next), false, 0)).toBeNull();
    await end(again, false, { producerId: 2 });
    expect(await abortedFrom(again, 0)).toEqual([
      [1, 0],
      [2, 2],
    ]);
  });
});
