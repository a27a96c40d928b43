import { ErrorCode } from "@tarpan/protocol";
import { expect, it } from "vitest";
import type { Partition } from "../../src/partition/partition.ts";
import { produce } from "../../src/partition/produce.ts";
import { WholeBroker } from "../handlers/whole-broker.ts";
import { batchOf } from "./batches.ts";

type Answer = (errorCode: ErrorCode) => void;

/** A partition, and a coordinator that answers when the test says so. */
async function started() {
  const whole = await WholeBroker.start();
  await whole.createTopic("t", 1);
  const { partitions, metadata } = whole.broker;
  const partition = partitions.find("t", 0) as Partition;
  const asked: Answer[] = [];
  const send = async (baseSequence: number, transactionalId = "tx") => {
    const producer = { producerId: 7, producerEpoch: 0, baseSequence, transactional: true };
    const verify = () => new Promise<ErrorCode>((answer) => asked.push(answer));
    const { errorCode } = await produce(partition, batchOf(1, producer), {
      ...{ config: metadata.topicConfig("t"), now: 1_000, zstdAllowed: true },
      transactions: { transactionalId, bumpsEpoch: true, verify },
    });
    return errorCode;
  };
  return { asked, send };
}

const { NONE, CONCURRENT_TRANSACTIONS, TRANSACTIONAL_ID_AUTHORIZATION_FAILED } = ErrorCode;

it("asks once for the first batches of a transaction, and appends them in their order", async () => {
  const { asked, send } = await started();
  const sent = [send(0), send(1), send(2)];
  expect(asked.length).toBe(1);
  asked[0]!(NONE);
  expect(await Promise.all(sent)).toEqual([NONE, NONE, NONE]);
});

it("refuses all that waited for an answer, and asks anew for those that come later", async () => {
  const { asked, send } = await started();
  const refused = [send(0), send(1)];
  asked[0]!(CONCURRENT_TRANSACTIONS);
  expect(await Promise.all(refused)).toEqual([CONCURRENT_TRANSACTIONS, CONCURRENT_TRANSACTIONS]);
  const sent = [send(0), send(1)];
  expect(asked.length).toBe(2);
  asked[1]!(NONE);
  expect(await Promise.all(sent)).toEqual([NONE, NONE]);
});

it("shares no answer with a request that names another transactional id", async () => {
  const { asked, send } = await started();
  const stranger = send(0, "other");
  const own = send(0);
  asked[0]!(TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
  asked[1]!(NONE);
  expect(await stranger).toBe(TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
  expect(await own).toBe(NONE);
});
