import { DeleteTopics, DescribeTransactions, ErrorCode, ListTransactions } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { committed, Producer, whenStable } from "./transactional.ts";
import { WholeBroker } from "./whole-broker.ts";

const {
  CONCURRENT_TRANSACTIONS,
  INVALID_PRODUCER_EPOCH,
  INVALID_TXN_STATE,
  NONE,
  PRODUCER_FENCED,
} = ErrorCode;

async function started() {
  const broker = await WholeBroker.start();
  await broker.createTopic("t", 2);
  return broker;
}

const TIMEOUT_MS = 5_000;

/** As clients do it: again, while an older transaction is being ended. */
async function begun(broker: WholeBroker, id: string, isNewer: boolean): Promise<Producer> {
  const producer = new Producer(broker, id, isNewer);
  for (let attempt = 0; attempt < 100; attempt++) {
    const errorCode = await producer.init({ timeoutMs: TIMEOUT_MS });
    if (errorCode === NONE) return producer;
    expect(errorCode).toBe(CONCURRENT_TRANSACTIONS);
  }
  throw new Error("an older transaction does not end");
}

const STEPS: readonly ((producer: Producer) => unknown)[] = [
  () => {},
  (producer) => (producer.isNewer ? NONE : producer.add("t", [0, 1])),
  (producer) => producer.send("t", 0),
  (producer) => producer.send("t", 1),
];

describe.each([true, false])("producers with transactions v2: %s", (isNewer) => {
  it("fences the first of two with one transactional id, at each request", async () => {
    const broker = await started();
    const first = await begun(broker, "tx", isNewer);
    for (const step of STEPS) await step(first);
    const second = await begun(broker, "tx", isNewer);
    expect((await whenStable(broker, "t")).aborted).toEqual([0]);
    expect(await first.send("t", 0)).toBe(INVALID_PRODUCER_EPOCH);
    expect(await first.add("t", [0])).toEqual([PRODUCER_FENCED]);
    expect(await first.end(true)).toBe(PRODUCER_FENCED);
    expect(await first.end(false)).toBe(PRODUCER_FENCED);
    expect(await first.init({ keeps: true })).toBe(PRODUCER_FENCED);
    for (const step of STEPS) await step(second);
    expect(await second.end(true)).toBe(NONE);
    expect((await whenStable(broker, "t")).aborted).toEqual([0]);
  });

  it.each([1, 2, 3, 4])("replaces a producer that dies after step %s", async (count) => {
    const broker = await started();
    const dead = await begun(broker, "tx", isNewer);
    for (const step of STEPS.slice(0, count)) await step(dead);
    const next = await begun(broker, "tx", isNewer);
    const aborted = count > 2 ? [0] : [];
    expect((await whenStable(broker, "t")).aborted).toEqual(aborted);
    for (const step of STEPS) await step(next);
    expect(await next.end(true)).toBe(NONE);
    expect((await whenStable(broker, "t")).aborted).toEqual(aborted);
  });

  it("ends a transaction of which a topic was deleted", async () => {
    const broker = await started();
    await broker.createTopic("gone", 1);
    const producer = await begun(broker, "tx", isNewer);
    if (!isNewer) expect(await producer.add("gone", [0])).toEqual([NONE]);
    expect(await producer.send("gone")).toBe(NONE);
    for (const step of STEPS) await step(producer);
    await broker.call(DeleteTopics, 5, { topicNames: ["gone"], timeoutMs: 1_000 });
    expect(await producer.end(true)).toBe(NONE);
    expect(await whenStable(broker, "t")).toMatchObject({ highWatermark: 2, aborted: [] });
    expect(await stateOf(broker, "tx")).toBe("CompleteCommit");
  });

  it("takes no end for a transaction that was ended for its time-out", async () => {
    const broker = await started();
    const late = await begun(broker, "tx", isNewer);
    for (const step of STEPS) await step(late);
    broker.time.advance(TIMEOUT_MS);
    await whenStable(broker, "t");
    expect(await late.end(true)).toBe(isNewer ? INVALID_TXN_STATE : PRODUCER_FENCED);
    const next = await begun(broker, "tx", isNewer);
    for (const step of STEPS) await step(next);
    // The late end is not that of the next transaction.
    expect(await late.end(true)).toBe(PRODUCER_FENCED);
    expect(await committed(broker, "t")).toMatchObject({ lastStableOffset: 2, aborted: [0] });
  });
});

it("names the producer that holds the last stable offset", async () => {
  const broker = await started();
  const holder = await begun(broker, "holder", true);
  await holder.send("t");
  const filter = { stateFilters: ["Ongoing"], producerIdFilters: [], durationFilter: 1_000n };
  expect((await broker.call(ListTransactions, 1, filter)).transactionStates).toEqual([]);
  broker.time.advance(1_001);
  const { transactionStates } = await broker.call(ListTransactions, 1, filter);
  const { producerId } = holder;
  expect(transactionStates).toEqual([
    { transactionalId: "holder", producerId, transactionState: "Ongoing" },
  ]);
});

it("takes transactional ids of up to 32,767 bytes, and drops who sends a longer one", async () => {
  const broker = await started();
  const longest = await begun(broker, "x".repeat(0x7fff), true);
  expect(await longest.send("t")).toBe(NONE);
  expect(await longest.end(true)).toBe(NONE);
  // A client of Kafka can't encode it either.
  await expect(broker.sendFrame(initProducerIdOf("x".repeat(0x10000)))).rejects.toThrow("65536");
  const other = await begun(broker, "tx", true);
  expect(await other.send("t")).toBe(NONE);
  expect(await other.end(true)).toBe(NONE);
});

/** InitProducerId 5. */
function initProducerIdOf(transactionalId: string): Uint8Array {
  const header = Buffer.from([0, 22, 0, 5, 0, 0, 0, 7, 0, 1, 65, 0]);
  const length = transactionalId.length + 1;
  const varint = Buffer.from([(length & 0x7f) | 0x80, ((length >> 7) & 0x7f) | 0x80, length >> 14]);
  const rest = Buffer.from([0, 0, 0x10, 0, ...Array(10).fill(0xff), 0]);
  return Buffer.concat([header, varint, Buffer.from(transactionalId), rest]);
}

it("holds 10,000 open transactions, and ends them all", async () => {
  const broker = await started();
  const count = 10_000;
  const producers = Array.from({ length: count }, (_, i) => new Producer(broker, `tx-${i}`));
  const all = (step: (producer: Producer) => Promise<number>) => Promise.all(producers.map(step));
  // They all find that the topic of the coordinator has to be created.
  expect(new Set(await all((one) => one.init()))).toEqual(new Set([NONE]));
  expect(new Set(await all((one) => one.send("t")))).toEqual(new Set([NONE]));
  expect(await committed(broker, "t")).toMatchObject({ lastStableOffset: 0, highWatermark: count });
  const filter = { stateFilters: ["Ongoing"], producerIdFilters: [] };
  const { transactionStates } = await broker.call(ListTransactions, 1, filter);
  expect(transactionStates).toHaveLength(count);
  expect(new Set(await all((one) => one.end(true)))).toEqual(new Set([NONE]));
  expect(await whenStable(broker, "t")).toMatchObject({ highWatermark: 2 * count, aborted: [] });
});

async function stateOf(broker: WholeBroker, transactionalId: string): Promise<string> {
  const asked = { transactionalIds: [transactionalId] };
  const { transactionStates } = await broker.call(DescribeTransactions, 0, asked);
  return transactionStates[0]!.transactionState;
}
