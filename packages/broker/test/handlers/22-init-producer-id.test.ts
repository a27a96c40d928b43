import { ErrorCode, InitProducerId } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { describeTransaction } from "../../src/transactions/operations/describe-transaction.ts";
import { record } from "../../src/transactions/turn.ts";
import { MemoryFiles } from "../env/memory-files.ts";
import { Producer, whenStable } from "./transactional.ts";
import { WholeBroker } from "./whole-broker.ts";

const request = { transactionalId: null, transactionTimeoutMs: 60_000 };

describe("InitProducerId", () => {
  it("gives each producer an id of its own, at every version", async () => {
    const broker = await WholeBroker.start();
    for (let version = 0; version <= 5; version++) {
      const answer = await broker.call(InitProducerId, version, request);
      expect(answer).toMatchObject({ errorCode: 0, producerId: version, producerEpoch: 0 });
    }
  });

  it("refuses incomplete requests", async () => {
    const broker = await WholeBroker.start();
    const code = async (more: object) => {
      return (await broker.call(InitProducerId, 5, { ...request, ...more })).errorCode;
    };
    expect(await code({ transactionalId: "" })).toBe(ErrorCode.INVALID_REQUEST);
    expect(await code({ producerId: 5 })).toBe(ErrorCode.INVALID_REQUEST);
    expect(await code({ producerId: 5, producerEpoch: 1 })).toBe(0);
  });

  it("answers KAFKA_STORAGE_ERROR when the block of ids can't be stored", async () => {
    const files = new MemoryFiles();
    const broker = await WholeBroker.startWith({ files });
    files.fault = (operation) => {
      if (operation === "write") throw new Error("I/O error");
    };
    const answer = await broker.call(InitProducerId, 5, request);
    expect(answer.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
  });
});

describe("InitProducerId with a transactional id", () => {
  const start = async () => {
    const broker = await WholeBroker.start();
    await broker.createTopic("t");
    return broker;
  };

  it("keeps the producer id, and fences the producer that had it", async () => {
    const broker = await start();
    const first = new Producer(broker, "tx");
    const second = new Producer(broker, "tx");
    await first.init();
    expect(first).toMatchObject({ producerId: 0, producerEpoch: 0 });
    await second.init();
    expect(second).toMatchObject({ producerId: 0, producerEpoch: 1 });
    // The coordinator refuses what would begin a transaction, without the partition's help.
    expect(await first.send("t")).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
    expect(await first.end(true)).toBe(ErrorCode.PRODUCER_FENCED);
    expect(await second.send("t")).toBe(0);
  });

  it("aborts the transaction that is open", async () => {
    const broker = await start();
    const first = new Producer(broker, "tx");
    await first.init();
    await first.send("t");
    const second = new Producer(broker, "tx");
    expect(await second.init()).toBe(0);
    expect(second.producerEpoch).toBe(2);
    expect((await whenStable(broker, "t")).aborted).toEqual([0]);
    expect(await first.send("t")).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
  });

  it("lets a producer go on after an error, and repeats an answer that was lost", async () => {
    const broker = await start();
    const producer = new Producer(broker, "tx");
    await producer.init();
    const before = { producerId: producer.producerId, producerEpoch: producer.producerEpoch };
    await producer.init({ keeps: true });
    expect(producer.producerEpoch).toBe(1);
    Object.assign(producer, before);
    await producer.init({ keeps: true });
    expect(producer.producerEpoch).toBe(1);
    await new Producer(broker, "tx").init();
    expect(await producer.init({ keeps: true })).toBe(ErrorCode.PRODUCER_FENCED);
    const old = { transactionalId: "tx", transactionTimeoutMs: 1, ...before };
    const answer = await broker.call(InitProducerId, 3, old);
    expect(answer.errorCode).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
  });

  it("refuses time-outs that are none, or too long", async () => {
    const broker = await start();
    const producer = new Producer(broker, "tx");
    for (const timeoutMs of [0, -1, 900_001]) {
      expect(await producer.init({ timeoutMs })).toBe(ErrorCode.INVALID_TRANSACTION_TIMEOUT);
    }
    expect(await producer.init({ timeoutMs: 900_000 })).toBe(0);
  });

  it("gives another producer id when the epochs are used up", async () => {
    const broker = await start();
    const producer = new Producer(broker, "tx");
    await producer.init();
    const { transactions } = broker.broker;
    const used = await transactions.run("tx", describeTransaction("tx"));
    await transactions.run("tx", (turn, reply) => {
      record(turn, { ...used!, producerEpoch: 0x7ffe - 1 });
      turn.reply(reply, undefined);
    });
    producer.producerEpoch = 0x7ffe - 1;
    expect(await producer.send("t")).toBe(0);
    // The marker takes an epoch that no producer gets.
    expect(await producer.end(true)).toBe(0);
    expect(producer).toMatchObject({ producerId: 0, producerEpoch: 0x7ffe });
    expect(await producer.send("t")).toBe(0);
    expect(await producer.end(true)).toBe(0);
    expect(producer).toMatchObject({ producerId: 1, producerEpoch: 0 });
    expect(await producer.send("t")).toBe(0);
    expect(await producer.end(true)).toBe(0);
    expect(await whenStable(broker, "t")).toMatchObject({ highWatermark: 6, aborted: [] });
    await transactions.run("tx", (turn, reply) => {
      record(turn, { ...used!, producerId: 1, producerEpoch: 0x7ffe, state: "CompleteCommit" });
      turn.reply(reply, undefined);
    });
    await producer.init();
    expect(producer).toMatchObject({ producerId: 2, producerEpoch: 0 });
  });

  it("is known after a restart of the broker", async () => {
    const files = new MemoryFiles();
    const broker = await WholeBroker.startWith({ files });
    await broker.createTopic("t");
    const producer = new Producer(broker, "tx");
    await producer.init();
    await producer.send("t");
    await broker.stop();
    const again = await WholeBroker.startWith({ files });
    const second = new Producer(again, "tx");
    await second.init();
    expect(second).toMatchObject({ producerId: producer.producerId, producerEpoch: 2 });
    expect((await whenStable(again, "t")).aborted).toEqual([0]);
  });
});
