import { ErrorCode } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { ConfigResolver } from "../../src/config/kafka/resolve.ts";
import { MemoryEngine } from "../../src/log/memory.ts";
import { EMPTY_IMAGE } from "../../src/metadata/image.ts";
import { produce } from "../../src/partition/produce.ts";
import { testEnv } from "../env/test-env.ts";
import { batchOf } from "./batches.ts";
import { create } from "./transactions.ts";

const config = new ConfigResolver(1, {}).topic(EMPTY_IMAGE, "t");

/** A partition, and the questions that its coordinator has not answered yet. */
async function partitionWithQuestions() {
  const partition = await create(new MemoryEngine(testEnv()));
  const questions: ((errorCode: ErrorCode) => void)[] = [];
  const verify = () => new Promise<ErrorCode>((answer) => questions.push(answer));
  const send = (baseSequence: number, producerEpoch = 0) => {
    const batch = batchOf(1, {
      ...{ producerId: 1, producerEpoch, baseSequence, transactional: true },
    });
    const transactions = { bumpsEpoch: true, verify };
    return produce(partition, batch, { config, now: 1_000, zstdAllowed: true, transactions });
  };
  return { questions, send };
}

it("never overtake each other, however late the answer to the first one is", async () => {
  const { questions, send } = await partitionWithQuestions();
  const sent = [send(0), send(1)];
  // A question for the second batch may be answered first.
  for (const answer of questions.toReversed()) {
    answer(ErrorCode.NONE);
    await null;
  }
  sent.push(send(2));
  expect(await Promise.all(sent)).toMatchObject(
    [0, 1, 2].map((baseOffset) => ({ errorCode: ErrorCode.NONE, baseOffset })),
  );
});

it("are refused together, and ask again when they are sent again", async () => {
  const { questions, send } = await partitionWithQuestions();
  const refused = [send(0), send(1)];
  questions.shift()!(ErrorCode.CONCURRENT_TRANSACTIONS);
  expect(await Promise.all(refused)).toMatchObject(
    refused.map(() => ({ errorCode: ErrorCode.CONCURRENT_TRANSACTIONS })),
  );
  const again = [send(0), send(1)];
  questions.shift()!(ErrorCode.NONE);
  expect(await Promise.all(again)).toMatchObject(
    again.map((_, baseOffset) => ({ errorCode: ErrorCode.NONE, baseOffset })),
  );
});

it("do not share an answer with those of another epoch", async () => {
  const { questions, send } = await partitionWithQuestions();
  const old = send(0, 0);
  const current = send(0, 1);
  expect(questions).toHaveLength(2);
  questions[0]!(ErrorCode.INVALID_PRODUCER_EPOCH);
  questions[1]!(ErrorCode.NONE);
  expect(await old).toMatchObject({ errorCode: ErrorCode.INVALID_PRODUCER_EPOCH });
  expect(await current).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 0 });
});
