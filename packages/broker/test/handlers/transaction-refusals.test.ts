import {
  AddOffsetsToTxn,
  DescribeTransactions,
  EndTxn,
  ErrorCode,
  InitProducerId,
} from "@tarpan/protocol";
import { expect, it } from "vitest";
import { allowAll } from "../../src/security/authorizer.ts";
import { Producer, whenStable } from "./transactional.ts";
import { WholeBroker } from "./whole-broker.ts";

const OWN = { transactionalId: "tx", producerId: 0, producerEpoch: 0 };

/** The error code of each API that names a transactional id, for "tx". */
async function codes(broker: WholeBroker) {
  const init = { transactionalId: "tx", transactionTimeoutMs: 60_000 };
  const producer = new Producer(broker, "tx", false);
  return {
    initProducerId: (await broker.call(InitProducerId, 5, init)).errorCode,
    addPartitionsToTxn: (await producer.add("t", [0]))[0],
    addOffsetsToTxn: (await broker.call(AddOffsetsToTxn, 4, { ...OWN, groupId: "g" })).errorCode,
    endTxn: (await broker.call(EndTxn, 5, { ...OWN, committed: true })).errorCode,
    describeTransactions: await described(broker, "tx"),
  };
}

async function described(broker: WholeBroker, transactionalId: string): Promise<number> {
  const request = { transactionalIds: [transactionalId] };
  const { transactionStates } = await broker.call(DescribeTransactions, 0, request);
  return transactionStates[0]!.errorCode;
}

const all = (code: number) => ({
  ...{ initProducerId: code, addPartitionsToTxn: code, addOffsetsToTxn: code },
  ...{ endTxn: code, describeTransactions: code },
});

it("refuses to change a transaction without permission for its id, known or not", async () => {
  const denied = new Set<string>();
  const allows = (_: unknown, __: unknown, type: string) => !denied.has(type);
  const broker = await WholeBroker.startWith({ authorizer: { ...allowAll, allows } });
  await broker.createTopic("t");
  const producer = new Producer(broker, "tx");
  await producer.init();
  await producer.send("t");
  denied.add("transactionalId");
  const refused = ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
  for (const transactionalId of ["tx", "unknown"]) {
    const { producerId, producerEpoch } = producer;
    const own = { transactionalId, producerId, producerEpoch };
    const offsets = await broker.call(AddOffsetsToTxn, 4, { ...own, groupId: "g" });
    const end = await broker.call(EndTxn, 5, { ...own, committed: true });
    expect([offsets.errorCode, end.errorCode]).toEqual([refused, refused]);
  }
  denied.clear();
  expect(await producer.end(true)).toBe(ErrorCode.NONE);
});

it("answers COORDINATOR_NOT_AVAILABLE before there is a coordinator", async () => {
  const broker = await WholeBroker.start();
  await broker.createTopic("t");
  expect(await codes(broker)).toEqual(all(ErrorCode.COORDINATOR_NOT_AVAILABLE));
});

it("lets the first of several ends decide that are sent at the same time", async () => {
  const broker = await WholeBroker.start();
  await broker.createTopic("t");
  const producer = new Producer(broker, "tx", false);
  await producer.init();
  await producer.add("t", [0]);
  await producer.send("t");
  const ends = await Promise.all([producer.end(true), producer.end(false), producer.end(true)]);
  expect(ends).toEqual([ErrorCode.NONE, ErrorCode.INVALID_TXN_STATE, ErrorCode.NONE]);
  expect((await whenStable(broker, "t")).aborted).toEqual([]);
});
