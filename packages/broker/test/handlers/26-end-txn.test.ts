import { EndTxn, ErrorCode } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { committed, Producer, whenStable } from "./transactional.ts";
import { WholeBroker } from "./whole-broker.ts";

const {
  INVALID_PRODUCER_ID_MAPPING,
  INVALID_PRODUCER_EPOCH,
  PRODUCER_FENCED,
  INVALID_TXN_STATE,
  INVALID_REQUEST,
} = ErrorCode;

async function started(isNewer: boolean) {
  const broker = await WholeBroker.start();
  await broker.createTopic("t", 2);
  const producer = new Producer(broker, "tx", isNewer);
  expect(await producer.init()).toBe(0);
  return { broker, producer };
}

async function begin(producer: Producer): Promise<void> {
  if (!producer.isNewer) expect(await producer.add("t", [0, 1])).toEqual([0, 0]);
  expect(await producer.send("t", 0)).toBe(0);
  expect(await producer.send("t", 1)).toBe(0);
}

describe.each([true, false])("EndTxn of a producer with transactions v2: %s", (isNewer) => {
  it("commits and aborts", async () => {
    const { broker, producer } = await started(isNewer);
    await begin(producer);
    expect(await committed(broker, "t")).toMatchObject({ lastStableOffset: 0, highWatermark: 1 });
    expect(await producer.end(true)).toBe(0);
    await begin(producer);
    expect(await producer.end(false)).toBe(0);
    // The next transaction waits for the markers of this one.
    await begin(producer);
    for (const index of [0, 1]) {
      const told = { lastStableOffset: 4, highWatermark: 5, aborted: [2] };
      expect(await committed(broker, "t", index)).toEqual(told);
    }
  });

  it("refuses producers that are not the current one", async () => {
    const { broker, producer } = await started(isNewer);
    await begin(producer);
    const version = isNewer ? 5 : 4;
    const { producerId, producerEpoch } = producer;
    const own = { transactionalId: "tx", producerId, producerEpoch, committed: true };
    const code = async (more: object, at = version) => {
      return (await broker.call(EndTxn, at, { ...own, ...more })).errorCode;
    };
    expect(await code({ transactionalId: "" })).toBe(INVALID_REQUEST);
    expect(await code({ transactionalId: "other" })).toBe(INVALID_PRODUCER_ID_MAPPING);
    expect(await code({ producerId: 99 })).toBe(INVALID_PRODUCER_ID_MAPPING);
    expect(await code({ producerEpoch: producerEpoch + 1 })).toBe(PRODUCER_FENCED);
    expect(await code({ producerEpoch: producerEpoch + 1 }, 1)).toBe(INVALID_PRODUCER_EPOCH);
    expect(await code({})).toBe(0);
  });

  it("answers a repeated request as the first, and no other end", async () => {
    const { broker, producer } = await started(isNewer);
    await begin(producer);
    const { producerId, producerEpoch } = producer;
    const own = { transactionalId: "tx", producerId, producerEpoch };
    const version = isNewer ? 5 : 4;
    const first = await broker.call(EndTxn, version, { ...own, committed: true });
    expect(await broker.call(EndTxn, version, { ...own, committed: true })).toEqual(first);
    const other = await broker.call(EndTxn, version, { ...own, committed: false });
    expect(other.errorCode).toBe(INVALID_TXN_STATE);
  });

  it("has nothing to commit before a transaction began", async () => {
    const { producer } = await started(isNewer);
    expect(await producer.end(true)).toBe(INVALID_TXN_STATE);
    // A newer producer does not know whether its batches came.
    expect(await producer.end(false)).toBe(isNewer ? 0 : INVALID_TXN_STATE);
  });

  it("comes too late after the time-out", async () => {
    const { broker, producer } = await started(isNewer);
    await producer.init({ timeoutMs: 5_000 });
    await begin(producer);
    broker.time.advance(4_999);
    expect(await committed(broker, "t")).toMatchObject({ lastStableOffset: 0 });
    broker.time.advance(1);
    expect((await whenStable(broker, "t")).aborted).toEqual([0]);
    expect(await producer.end(true)).toBe(isNewer ? INVALID_TXN_STATE : PRODUCER_FENCED);
    expect(await producer.send("t", 0)).toBe(INVALID_PRODUCER_EPOCH);
  });
});
