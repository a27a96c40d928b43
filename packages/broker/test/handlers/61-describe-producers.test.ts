import {
  AddOffsetsToTxn,
  DescribeProducers,
  ErrorCode,
  FindCoordinator,
  TxnOffsetCommit,
} from "@tarpan/protocol";
import { expect, it } from "vitest";
import { Producer, whenStable } from "./transactional.ts";
import { WholeBroker } from "./whole-broker.ts";

it("shows the producers of a partition, and where their transactions begin", async () => {
  const broker = await WholeBroker.start();
  await broker.createTopic("t");
  const describe = async (index = 0) => {
    const topics = [{ name: "t", partitionIndexes: [index] }];
    return (await broker.call(DescribeProducers, 0, { topics })).topics[0]!.partitions[0]!;
  };
  const producer = new Producer(broker, "tx");
  await producer.init();
  await producer.send("t");
  const { producerId } = producer;
  expect(await describe()).toMatchObject({
    errorCode: 0,
    activeProducers: [{ producerId, producerEpoch: 0, lastSequence: 0, currentTxnStartOffset: 0 }],
  });
  await producer.end(true);
  await whenStable(broker, "t");
  expect(await describe()).toMatchObject({
    activeProducers: [
      { producerId, producerEpoch: 1, lastSequence: -1, currentTxnStartOffset: -1 },
    ],
  });
  expect((await describe(3)).errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
});

it("answers for a partition once, however often it is named", async () => {
  const broker = await WholeBroker.start();
  await broker.createTopic("t", 2);
  const topics = [
    { name: "t", partitionIndexes: [0, 0, 1, 7] },
    { name: "t", partitionIndexes: [7, 0] },
  ];
  const answer = await broker.call(DescribeProducers, 0, { topics });
  const named = answer.topics.map(({ name, partitions }) => {
    return [name, partitions.map(({ partitionIndex }) => partitionIndex)];
  });
  expect(named).toEqual([["t", [0, 1, 7]]]);
});

it("tells open transactions of __consumer_offsets apart by their first offsets", async () => {
  const broker = await WholeBroker.start({ "offsets.topic.num.partitions": "1" });
  await broker.createTopic("t");
  await broker.call(FindCoordinator, 3, { key: "g", keyType: 0 });
  const topics = [{ name: "__consumer_offsets", partitionIndexes: [0] }];
  const starts = async () => {
    const answer = await broker.call(DescribeProducers, 0, { topics });
    const { activeProducers } = answer.topics[0]!.partitions[0]!;
    return activeProducers.map((one) => [one.producerId, one.currentTxnStartOffset]);
  };
  const producers = [new Producer(broker, "a"), new Producer(broker, "b")];
  for (const producer of producers) {
    await producer.init();
    const { transactionalId, producerId, producerEpoch } = producer;
    const own = { transactionalId, producerId, producerEpoch, groupId: "g" };
    await broker.call(AddOffsetsToTxn, 3, own);
    const partitions = [0].map((partitionIndex) => ({
      ...{ partitionIndex, committedOffset: 5, committedMetadata: null },
    }));
    const { topics } = await broker.call(TxnOffsetCommit, 3, {
      ...{ ...own, generationIdOrMemberEpoch: -1, memberId: "", groupInstanceId: null },
      topics: [{ name: "t", partitions }],
    });
    expect(topics[0]!.partitions[0]!.errorCode).toBe(0);
  }
  const ids = producers.map(({ producerId }) => producerId);
  expect(await starts()).toEqual([
    [ids[0], 0],
    [ids[1], 1],
  ]);
});
