import { ErrorCode, WriteTxnMarkers } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { CONSUMER_OFFSETS_TOPIC } from "../../src/metadata/topic-names.ts";
import { committed, Producer } from "./transactional.ts";
import { WholeBroker } from "./whole-broker.ts";

async function started() {
  const broker = await WholeBroker.start();
  await broker.createTopic("t", 2);
  const producer = new Producer(broker, "tx");
  await producer.init();
  await producer.send("t");
  const code = async (more: object = {}, version = 2) => {
    const marker = {
      ...{ producerId: producer.producerId, producerEpoch: 1, transactionResult: false },
      topics: [{ name: "t", partitionIndexes: [0] }],
      ...{ coordinatorEpoch: 5, transactionVersion: 2, ...more },
    };
    const { markers } = await broker.call(WriteTxnMarkers, version, { markers: [marker] });
    return markers[0]!.topics[0]!.partitions.map(({ errorCode }) => errorCode);
  };
  return { broker, code };
}

it("ends a producer's transaction in a partition", async () => {
  const { broker, code } = await started();
  expect(await committed(broker, "t")).toMatchObject({ lastStableOffset: 0 });
  expect(await code()).toEqual([0]);
  expect(await committed(broker, "t")).toMatchObject({ lastStableOffset: 2, aborted: [0] });
});

it("refuses old epochs of the producer and of the coordinator", async () => {
  const { code } = await started();
  const { INVALID_PRODUCER_EPOCH, TRANSACTION_COORDINATOR_FENCED } = ErrorCode;
  // With an epoch for each transaction its marker has a newer one than its batches.
  expect(await code({ producerEpoch: 0 })).toEqual([INVALID_PRODUCER_EPOCH]);
  expect(await code({ producerEpoch: 0, transactionVersion: 0 }, 1)).toEqual([0]);
  expect(await code({ coordinatorEpoch: 4 })).toEqual([TRANSACTION_COORDINATOR_FENCED]);
});

it("refuses partitions that are not led here", async () => {
  const { code } = await started();
  const topics = [{ name: "t", partitionIndexes: [0, 7] }];
  expect(await code({ topics })).toEqual([0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]);
});

it("refuses what can't be a producer's, and writes no marker for it", async () => {
  const { broker, code } = await started();
  const refused = [ErrorCode.INVALID_REQUEST];
  for (const producerId of [-1, -5, -(2 ** 53)])
    expect(await code({ producerId })).toEqual(refused);
  expect(await code({ producerEpoch: -1 })).toEqual(refused);
  const topics = [{ name: CONSUMER_OFFSETS_TOPIC, partitionIndexes: [0] }];
  expect(await code({ producerId: -1, topics })).toEqual(refused);
  expect(await committed(broker, "t")).toMatchObject({ lastStableOffset: 0, highWatermark: 1 });
});
