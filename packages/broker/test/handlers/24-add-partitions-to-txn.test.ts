import { AddPartitionsToTxn, ErrorCode } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { committed, Producer } from "./transactional.ts";
import { WholeBroker } from "./whole-broker.ts";

async function started() {
  const broker = await WholeBroker.start();
  await broker.createTopic("t", 3);
  const producer = new Producer(broker, "tx", false);
  await producer.init();
  return { broker, producer };
}

it("lets a producer write to partitions that it has added, and to no others", async () => {
  const { broker, producer } = await started();
  const { TRANSACTION_ABORTABLE, INVALID_TXN_STATE } = ErrorCode;
  expect(await producer.send("t", 0)).toBe(TRANSACTION_ABORTABLE);
  expect(await producer.send("t", 0, 10)).toBe(INVALID_TXN_STATE);
  expect(await producer.add("t", [0, 1])).toEqual([0, 0]);
  expect(await producer.add("t", [1])).toEqual([0]);
  expect(await producer.send("t", 0)).toBe(0);
  expect(await producer.send("t", 1)).toBe(0);
  expect(await producer.send("t", 2)).toBe(TRANSACTION_ABORTABLE);
  expect(await committed(broker, "t", 2)).toMatchObject({ highWatermark: 0 });
});

it("adds nothing when one of the partitions does not exist", async () => {
  const { producer } = await started();
  const { OPERATION_NOT_ATTEMPTED, UNKNOWN_TOPIC_OR_PARTITION } = ErrorCode;
  const expected = [OPERATION_NOT_ATTEMPTED, UNKNOWN_TOPIC_OR_PARTITION];
  expect(await producer.add("t", [0, 7])).toEqual(expected);
  expect(await producer.send("t", 0)).toBe(ErrorCode.TRANSACTION_ABORTABLE);
});

it("refuses producers that are not the current one, at every version of clients", async () => {
  const { broker, producer } = await started();
  const { INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED, INVALID_PRODUCER_EPOCH } = ErrorCode;
  const code = async (version: number, more: object) => {
    const { resultsByTopicV3AndBelow } = await broker.call(AddPartitionsToTxn, version, {
      v3AndBelowTransactionalId: "tx",
      v3AndBelowProducerId: producer.producerId,
      v3AndBelowProducerEpoch: producer.producerEpoch,
      v3AndBelowTopics: [{ name: "t", partitions: [0] }],
      ...more,
    });
    return resultsByTopicV3AndBelow[0]!.resultsByPartition[0]!.partitionErrorCode;
  };
  for (let version = 0; version <= 3; version++) {
    const other = { v3AndBelowTransactionalId: "other" };
    expect(await code(version, other)).toBe(INVALID_PRODUCER_ID_MAPPING);
    expect(await code(version, { v3AndBelowProducerId: 77 })).toBe(INVALID_PRODUCER_ID_MAPPING);
    const fenced = version < 2 ? INVALID_PRODUCER_EPOCH : PRODUCER_FENCED;
    expect(await code(version, { v3AndBelowProducerEpoch: 9 })).toBe(fenced);
    const nameless = { v3AndBelowTransactionalId: "" };
    expect(await code(version, nameless)).toBe(ErrorCode.INVALID_REQUEST);
    expect(await code(version, {})).toBe(0);
  }
});

it("answers other brokers for several transactions, and adds only what is not to be verified", async () => {
  const { broker, producer } = await started();
  const { producerId, producerEpoch } = producer;
  const topics = [{ name: "t", partitions: [0] }];
  const ask = async (transactionalId: string, verifyOnly: boolean) => {
    const one = { transactionalId, producerId, producerEpoch, verifyOnly, topics };
    const answer = await broker.call(AddPartitionsToTxn, 5, { transactions: [one, one] });
    return answer.resultsByTransaction.map(({ topicResults }) => {
      return topicResults[0]!.resultsByPartition[0]!.partitionErrorCode;
    });
  };
  const { TRANSACTION_ABORTABLE, INVALID_PRODUCER_ID_MAPPING } = ErrorCode;
  expect(await ask("tx", true)).toEqual([TRANSACTION_ABORTABLE, TRANSACTION_ABORTABLE]);
  expect(await ask("other", true)).toEqual([
    INVALID_PRODUCER_ID_MAPPING,
    INVALID_PRODUCER_ID_MAPPING,
  ]);
  expect(await ask("tx", false)).toEqual([0, 0]);
  expect(await ask("tx", true)).toEqual([0, 0]);
});
