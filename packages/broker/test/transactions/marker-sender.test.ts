import { ErrorCode } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { silentLogger } from "../../src/logging/logger.ts";
import { EMPTY_IMAGE } from "../../src/metadata/image.ts";
import { MARKER_RETRY_MS } from "../../src/transactions/limits.ts";
import { MarkerSender } from "../../src/transactions/marker-sender.ts";
import type { Ending } from "../../src/transactions/model/ending.ts";
import { newTransaction } from "../../src/transactions/model/transaction.ts";
import { ManualTime } from "../env/manual-time.ts";

function ending(): Ending {
  const transaction = { ...newTransaction("tx", 7), state: "PrepareCommit" as const };
  const partitions = [{ topic: "t", partitionIds: [0] }];
  return { transaction: { ...transaction, partitions, producerEpoch: 1 }, coordinatorEpoch: 3 };
}

const PARTITION = { replicas: [1], isr: [1], adding: [], removing: [], partitionEpoch: 0 };
const TOPIC = { name: "t", id: "t", partitions: [{ ...PARTITION, leader: 1, leaderEpoch: 0 }] };
const IMAGE = { ...EMPTY_IMAGE, topics: EMPTY_IMAGE.topics.with(new Map([["t", TOPIC]])) };

async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}

function sender(parts: { isCoordinator(): boolean; complete(): Promise<boolean> }) {
  const time = new ManualTime();
  const codes: ErrorCode[] = [];
  let writes = 0;
  const markers = new MarkerSender({
    ...{ env: { clock: time, timers: time }, logger: silentLogger, image: () => IMAGE },
    async write(_brokerId, asked) {
      writes++;
      const errorCode = codes.shift() ?? ErrorCode.NONE;
      return asked.map(({ producerId }) => {
        const partitions = [{ partitionIndex: 0, errorCode }];
        return { producerId, topics: [{ name: "t", partitions }] };
      });
    },
    ...parts,
  });
  return { time, codes, markers, writes: () => writes };
}

it("completes a transaction later if its shard is unavailable once the markers are written", async () => {
  const answers = [false, false, true];
  const complete = async () => answers.shift()!;
  const { time, markers, writes } = sender({ isCoordinator: () => true, complete });
  markers.end(ending());
  await settle();
  expect([markers.count, writes(), answers]).toEqual([1, 1, [false, true]]);
  for (let i = 0; i < 2; i++) {
    time.advance(MARKER_RETRY_MS.longest);
    await settle();
  }
  // The markers are not written again.
  expect([markers.count, writes(), answers]).toEqual([0, 1, []]);
});

it("lets the next transaction go on when the end is decided, before it is durable", async () => {
  const durable: ((isDurable: boolean) => void)[] = [];
  const complete = () => new Promise<boolean>((resolve) => durable.push(resolve));
  const { time, markers } = sender({ isCoordinator: () => true, complete });
  markers.end(ending());
  let isDecided = false;
  markers.endOf("tx")!.onOpen(() => {
    isDecided = durable.length === 1;
  });
  await settle();
  expect([isDecided, markers.count]).toEqual([true, 1]);
  durable[0]!(false);
  await settle();
  // The shard has failed: those who come now wait for the next attempt.
  const again = markers.endOf("tx")!;
  expect(again.isOpen).toBe(false);
  time.advance(MARKER_RETRY_MS.longest);
  await settle();
  expect([durable.length, again.isOpen]).toEqual([2, true]);
  durable[1]!(true);
  await settle();
  expect([markers.count, markers.endOf("tx")]).toEqual([0, null]);
});

it("writes markers until this broker is no longer the coordinator", async () => {
  let isCoordinator = true;
  let completed = 0;
  const { time, codes, markers, writes } = sender({
    isCoordinator: () => isCoordinator,
    async complete() {
      completed++;
      return true;
    },
  });
  codes.push(...Array.from({ length: 9 }, () => ErrorCode.NOT_LEADER_OR_FOLLOWER));
  markers.end(ending());
  await settle();
  const over = markers.endOf("tx")!;
  time.advance(MARKER_RETRY_MS.longest);
  await settle();
  expect([writes(), over.isOpen]).toEqual([2, false]);
  isCoordinator = false;
  time.advance(MARKER_RETRY_MS.longest);
  await settle();
  expect([writes(), over.isOpen, completed, markers.count]).toEqual([2, true, 0, 0]);
});
