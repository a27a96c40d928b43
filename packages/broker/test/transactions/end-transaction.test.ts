import { ErrorCode } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { transactionMachine } from "../../src/transactions/machine.ts";
import {
  newTransaction,
  type Transaction,
  type TransactionState,
} from "../../src/transactions/model/transaction.ts";
import { endTransaction } from "../../src/transactions/operations/end-transaction.ts";
import { NEEDS_PRODUCER_ID, record } from "../../src/transactions/turn.ts";
import { CoordinatorHarness } from "../coordinator/harness.ts";

// Kafka's TransactionCoordinator.endTransaction: each state, result and epoch, for both flows.

const ID = 7;
const EPOCH = 5;
const NEXT_ID = 8;
const LAST_USABLE_EPOCH = 0x7ffe;
const effects = { end() {}, abort() {} };

type Answer = "none" | "retry" | "end" | "concurrent" | "fenced" | "invalid" | "mapping";
/** For a request that commits, and one that aborts. */
type Answers = readonly [commit: Answer, abort: Answer];

const NAMES = new Map<number, Answer>([
  [ErrorCode.CONCURRENT_TRANSACTIONS, "concurrent"],
  [ErrorCode.PRODUCER_FENCED, "fenced"],
  [ErrorCode.INVALID_TXN_STATE, "invalid"],
  [ErrorCode.INVALID_PRODUCER_ID_MAPPING, "mapping"],
]);

function inState(state: TransactionState, more: Partial<Transaction> = {}): Transaction {
  const own = { producerEpoch: EPOCH, lastProducerEpoch: EPOCH - 1, timeoutMs: 60_000 };
  return { ...newTransaction("tx", ID), ...own, state, startMs: 0, ...more };
}

/** The answer, and what it says the producer must use. */
function ask(
  known: Transaction | null,
  own: { producerId: number; producerEpoch: number },
  isCommit: boolean,
  clientVersion: number,
) {
  const harness = new CoordinatorHarness(transactionMachine(effects));
  if (known !== null) harness.step((turn) => record(turn, known));
  const request = { transactionalId: "tx", ...own, isCommit, clientVersion };
  const { answer, records } = harness.run(endTransaction(request, NEXT_ID, effects));
  if (answer === NEEDS_PRODUCER_ID) throw new Error("it has one");
  const { errorCode, producerId, producerEpoch } = answer;
  const name = NAMES.get(errorCode);
  if (name !== undefined) {
    expect({ producerId, producerEpoch, records }).toEqual({
      ...{ producerId: -1, producerEpoch: -1, records: [] },
    });
    return { kind: name, producerId, producerEpoch };
  }
  expect(errorCode).toBe(ErrorCode.NONE);
  if (records.length > 0) {
    const { state } = records[0]!.transaction!;
    expect(state).toBe(isCommit ? "PrepareCommit" : "PrepareAbort");
    return { kind: "end", producerId, producerEpoch };
  }
  return { kind: producerEpoch >= 0 ? "retry" : "none", producerId, producerEpoch };
}

function answersOf(known: Transaction, producerId: number, epoch: number, version: number) {
  return [true, false].map((isCommit) => {
    return ask(known, { producerId, producerEpoch: epoch }, isCommit, version).kind;
  });
}

const FENCED: Answers = ["fenced", "fenced"];

/** By the epoch of the request, relative to the known one: 2 below, 1 below, the same, 1 above. */
const WITHOUT_BUMP: Record<TransactionState, readonly Answers[]> = {
  Empty: [FENCED, FENCED, ["invalid", "invalid"], FENCED],
  Ongoing: [FENCED, FENCED, ["end", "end"], FENCED],
  PrepareCommit: [FENCED, FENCED, ["concurrent", "invalid"], FENCED],
  PrepareAbort: [FENCED, FENCED, ["invalid", "concurrent"], FENCED],
  CompleteCommit: [FENCED, FENCED, ["none", "invalid"], FENCED],
  CompleteAbort: [FENCED, FENCED, ["invalid", "none"], FENCED],
};

const WITH_BUMP: Record<TransactionState, readonly Answers[]> = {
  Empty: [FENCED, FENCED, ["invalid", "end"], FENCED],
  Ongoing: [FENCED, FENCED, ["end", "end"], FENCED],
  // The same epoch is that of the producer's next transaction: Kafka has a pending state meanwhile.
  PrepareCommit: [FENCED, ["concurrent", "invalid"], ["concurrent", "concurrent"], FENCED],
  PrepareAbort: [FENCED, ["invalid", "concurrent"], ["concurrent", "concurrent"], FENCED],
  CompleteCommit: [FENCED, ["retry", "invalid"], ["invalid", "end"], FENCED],
  CompleteAbort: [FENCED, ["invalid", "retry"], ["invalid", "end"], FENCED],
};

describe.each([
  ["without an epoch for each transaction", 0, WITHOUT_BUMP],
  ["with an epoch for each transaction", 2, WITH_BUMP],
] as const)("EndTxn %s", (_, version, table) => {
  it.each(Object.entries(table))("in state %s", (state, byEpoch) => {
    const known = inState(state as TransactionState);
    const found = [-2, -1, 0, 1].map((by) => answersOf(known, ID, EPOCH + by, version));
    expect(found).toEqual(byEpoch);
    // Another producer id, also with a valid epoch.
    for (const by of [-1, 0]) {
      expect(answersOf(known, 99, EPOCH + by, version)).toEqual(["mapping", "mapping"]);
    }
  });

  it("of an unknown transactional id", () => {
    const own = { producerId: ID, producerEpoch: EPOCH };
    expect(ask(null, own, true, version).kind).toBe("mapping");
  });
});

describe("EndTxn with the last epoch of a producer id", () => {
  it("gives the next id, and answers a repeated request with it", () => {
    const own = { producerId: ID, producerEpoch: LAST_USABLE_EPOCH };
    const next = { producerId: NEXT_ID, producerEpoch: 0 };
    const ongoing = inState("Ongoing", { producerEpoch: LAST_USABLE_EPOCH });
    expect(ask(ongoing, own, true, 2)).toEqual({ kind: "end", ...next });
    const prepared = { producerEpoch: LAST_USABLE_EPOCH + 1, nextProducerId: NEXT_ID };
    const preparing = inState("PrepareCommit", { ...prepared, previousProducerId: ID });
    expect(answersOf(preparing, ID, LAST_USABLE_EPOCH, 2)).toEqual(["concurrent", "invalid"]);
    expect(answersOf(preparing, NEXT_ID, 0, 2)).toEqual(["concurrent", "concurrent"]);
    expect(answersOf(preparing, NEXT_ID, 1, 2)).toEqual(["mapping", "mapping"]);
    const complete = { ...inState("CompleteCommit", next), previousProducerId: ID };
    expect(ask(complete, own, true, 2)).toEqual({ kind: "retry", ...next });
    expect(answersOf(complete, ID, LAST_USABLE_EPOCH, 2)).toEqual(["retry", "invalid"]);
    expect(answersOf(complete, ID, LAST_USABLE_EPOCH - 1, 2)).toEqual(["mapping", "mapping"]);
  });

  it("does not know the former id any more once the next transaction has begun", () => {
    const own = { producerId: NEXT_ID, producerEpoch: 0, previousProducerId: ID };
    const found = answersOf(inState("Ongoing", own), ID, LAST_USABLE_EPOCH, 2);
    expect(found).toEqual(["fenced", "fenced"]);
  });
});
