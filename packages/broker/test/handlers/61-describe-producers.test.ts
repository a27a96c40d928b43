import { DescribeProducers, ErrorCode } from "@tarpan/protocol";
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
