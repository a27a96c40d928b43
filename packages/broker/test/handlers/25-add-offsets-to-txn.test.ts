import { AddOffsetsToTxn, DescribeTransactions, ErrorCode } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { partitionOf } from "../../src/coordinator/partition-of.ts";
import { Producer } from "./transactional.ts";
import { WholeBroker } from "./whole-broker.ts";

it("adds the partition of a group's offsets to the transaction", async () => {
  const broker = await WholeBroker.start();
  const producer = new Producer(broker, "tx", false);
  await producer.init();
  const { producerId, producerEpoch } = producer;
  const own = { transactionalId: "tx", producerId, producerEpoch, groupId: "group" };
  const code = async (version: number, more: object = {}) => {
    return (await broker.call(AddOffsetsToTxn, version, { ...own, ...more })).errorCode;
  };
  for (let version = 0; version <= 4; version++) expect(await code(version)).toBe(0);
  expect(await code(4, { transactionalId: "" })).toBe(ErrorCode.INVALID_REQUEST);
  expect(await code(4, { producerId: 9 })).toBe(ErrorCode.INVALID_PRODUCER_ID_MAPPING);
  expect(await code(4, { producerEpoch: 9 })).toBe(ErrorCode.PRODUCER_FENCED);
  expect(await code(1, { producerEpoch: 9 })).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
  const request = { transactionalIds: ["tx"] };
  const { transactionStates } = await broker.call(DescribeTransactions, 0, request);
  expect(transactionStates[0]!.topics).toEqual([
    { topic: "__consumer_offsets", partitions: [partitionOf("group", 50)] },
  ]);
});
