import { setImmediate as turn } from "node:timers/promises";
import { ErrorCode, WriteTxnMarkers } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { type Logger, silentLogger } from "../../src/logging/logger.ts";
import { HANGING_MARGIN_MS, MAINTENANCE_INTERVAL_MS } from "../../src/partition/limits.ts";
import type { Partition } from "../../src/partition/partition.ts";
import { send } from "../partition/transactions.ts";
import { Producer } from "./transactional.ts";
import { WholeBroker } from "./whole-broker.ts";

const MAX_TIMEOUT_MS = 900_000;

async function started() {
  const told: string[] = [];
  const tell = (message: string) => void told.push(message);
  const logger: Logger = { ...silentLogger, level: "info", warn: tell, info: tell };
  const broker = await WholeBroker.startWith({ logger });
  await broker.createTopic("t", 2, { "retention.ms": "-1" });
  told.length = 0;
  const { openTransactions } = broker.broker.partitions;
  return { broker, told, held: () => [...openTransactions.held()] };
}

/** Lets the broker look at its partitions every few seconds. */
async function pass(broker: WholeBroker, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= MAINTENANCE_INTERVAL_MS) {
    broker.time.advance(Math.min(left, MAINTENANCE_INTERVAL_MS));
    await turn();
  }
}

it("names the producer that readers of committed records wait for", async () => {
  const { broker, told, held } = await started();
  const holder = new Producer(broker, "holder");
  await holder.init({ timeoutMs: MAX_TIMEOUT_MS });
  await holder.send("t", 1);
  const later = new Producer(broker, "later");
  await later.init();
  await later.send("t", 1);
  await pass(broker, 3 * MAINTENANCE_INTERVAL_MS);
  const { producerId, producerEpoch } = holder;
  const openMs = 2 * MAINTENANCE_INTERVAL_MS;
  expect(held()).toEqual([
    {
      ...{ topic: "t", partition: 1, producerId, producerEpoch, transactionalId: "holder" },
      ...{ startOffset: 0, lag: 2, isHanging: false },
      ...{ openMs, sinceMs: broker.time.wallMs() - openMs },
    },
  ]);
  // A jump of the wall clock makes no transaction old.
  broker.time.jumpWallTo(broker.time.wallMs() + 10 * MAX_TIMEOUT_MS);
  expect(held()).toMatchObject([{ openMs, isHanging: false }]);
  expect(await holder.end(true)).toBe(ErrorCode.NONE);
  await pass(broker, MAINTENANCE_INTERVAL_MS);
  expect(held()).toMatchObject([{ transactionalId: "later", startOffset: 1, openMs: 0 }]);
  expect(told.filter((line) => line.startsWith("t-"))).toEqual([]);
});

it("tells once of a transaction that no coordinator ends, and what to do", async () => {
  const { broker, told, held } = await started();
  const partition = broker.broker.partitions.find("t", 0) as Partition;
  // As a broker without KIP-890 wrote a batch that came after its transaction's end.
  await send(partition, { producerId: 4711 });
  await pass(broker, MAX_TIMEOUT_MS + HANGING_MARGIN_MS + MAINTENANCE_INTERVAL_MS);
  expect(held()).toMatchObject([{ producerId: 4711, transactionalId: null, isHanging: false }]);
  expect(told.filter((line) => line.startsWith("t-0"))).toEqual([]);
  await pass(broker, 4 * MAINTENANCE_INTERVAL_MS);
  expect(held()).toMatchObject([{ producerId: 4711, lag: 1, isHanging: true }]);
  const lines = told.filter((line) => line.startsWith("t-0"));
  expect(lines).toHaveLength(1);
  for (const part of [
    "wait at offset 0 for a transaction that has been open for 16 min",
    "producer id 4711, epoch 0, transactional id unknown",
    "tarpan transactions find-hanging --topic t;",
    "tarpan transactions abort --topic t --partition 0 --start-offset 0",
  ])
    expect(lines[0]).toContain(part);
  // What tarpan transactions abort sends.
  const topics = [{ name: "t", partitionIndexes: [0] }];
  const marker = {
    producerId: 4711,
    producerEpoch: 0,
    transactionResult: false,
    coordinatorEpoch: 0,
  };
  await broker.call(WriteTxnMarkers, 1, { markers: [{ ...marker, topics }] });
  expect(held()).toEqual([]);
  await pass(broker, 2 * MAINTENANCE_INTERVAL_MS);
  expect(told.filter((line) => line.startsWith("t-0")).slice(1)).toEqual([
    "t-0: the hanging transaction of producer id 4711 at offset 0 is over here",
  ]);
});
