import { DescribeTransactions, ErrorCode } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { Producer, whenStable } from "./transactional.ts";
import { WholeBroker } from "./whole-broker.ts";

it("shows the transaction of each transactional id", async () => {
  const broker = await WholeBroker.start();
  await broker.createTopic("t", 2);
  const producer = new Producer(broker, "tx");
  await producer.init({ timeoutMs: 7_000 });
  const describe = async (...transactionalIds: string[]) => {
    return (await broker.call(DescribeTransactions, 0, { transactionalIds })).transactionStates;
  };
  expect(await describe("tx", "other", "")).toMatchObject([
    { errorCode: 0, transactionState: "Empty", transactionStartTimeMs: -1, topics: [] },
    { errorCode: ErrorCode.TRANSACTIONAL_ID_NOT_FOUND },
    { errorCode: ErrorCode.INVALID_REQUEST },
  ]);
  await producer.send("t", 1);
  // Once, however often it is named.
  expect(await describe("tx", "tx")).toMatchObject([
    {
      ...{ errorCode: 0, transactionalId: "tx", transactionState: "Ongoing" },
      ...{ transactionTimeoutMs: 7_000, transactionStartTimeMs: broker.time.wallMs() },
      ...{ producerId: 0, producerEpoch: 0, topics: [{ topic: "t", partitions: [1] }] },
    },
  ]);
  await producer.end(false);
  await whenStable(broker, "t", 1);
  expect(await describe("tx")).toMatchObject([{ transactionState: "CompleteAbort", topics: [] }]);
});
