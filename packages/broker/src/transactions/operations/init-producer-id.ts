import { ErrorCode } from "@tarpan/protocol";
import type { Effects } from "../model/ending.ts";
import { isExhausted, isPrepared, newTransaction, type Transaction } from "../model/transaction.ts";
import {
  NEEDS_PRODUCER_ID,
  type OrNeedsProducerId,
  record,
  type TransactionOperation,
  type TransactionTurn,
} from "../turn.ts";
import { fenceNow } from "./end-transaction.ts";

export interface InitRequest {
  readonly transactionalId: string;
  readonly timeoutMs: number;
  /** What the producer has (KIP-360); null for a new one, which fences all others. */
  readonly expected: ProducerIdAndEpoch | null;
  /** Of the broker, for the abort of a transaction that is open. */
  readonly serverVersion: number;
}

interface ProducerIdAndEpoch {
  readonly producerId: number;
  readonly producerEpoch: number;
}

export interface InitAnswer extends ProducerIdAndEpoch {
  readonly errorCode: ErrorCode;
}

/**
 * Gives a producer its id and epoch, and fences those that had the transactional id before. Aborts
 * a transaction that is open; the producer asks again until that is done.
 */
export function initProducerId(
  request: InitRequest,
  newProducerId: number | null,
  effects: Effects,
): TransactionOperation<OrNeedsProducerId<InitAnswer>> {
  return (turn, reply) => {
    turn.reply(reply, decide(turn, request, newProducerId, effects));
  };
}

function decide(
  turn: TransactionTurn,
  request: InitRequest,
  newProducerId: number | null,
  effects: Effects,
): OrNeedsProducerId<InitAnswer> {
  const { transactionalId, timeoutMs, expected, serverVersion } = request;
  const existing = turn.state.get(transactionalId);
  if (existing === undefined && newProducerId === null) return NEEDS_PRODUCER_ID;
  const known = existing ?? newTransaction(transactionalId, newProducerId!);
  if (isPrepared(known)) return refusal(ErrorCode.CONCURRENT_TRANSACTIONS);
  if (expected !== null && !isItsProducer(known, expected)) {
    return refusal(ErrorCode.PRODUCER_FENCED);
  }
  if (known.state === "Ongoing") {
    const fenced = fenceNow(turn, known, serverVersion, newProducerId, effects);
    return fenced === null ? NEEDS_PRODUCER_ID : refusal(ErrorCode.CONCURRENT_TRANSACTIONS);
  }
  const next = nextEpoch(known, expected, newProducerId);
  if (next === NEEDS_PRODUCER_ID || next === null) {
    return next ?? refusal(ErrorCode.PRODUCER_FENCED);
  }
  const { producerId, producerEpoch } = next;
  record(turn, {
    ...{ ...known, ...next, state: "Empty", timeoutMs, partitions: [], startMs: -1 },
    previousProducerId: known.producerId,
    updatedMs: turn.wallMs,
  });
  return { errorCode: ErrorCode.NONE, producerId, producerEpoch };
}

/** A retry after a rotation still has the producer id before it. */
function isItsProducer(known: Transaction, expected: ProducerIdAndEpoch): boolean {
  if (known.producerEpoch === NO_EPOCH || expected.producerId === known.producerId) return true;
  return expected.producerId === known.previousProducerId && isExhausted(expected.producerEpoch);
}

type Next = Pick<Transaction, "producerId" | "producerEpoch" | "lastProducerEpoch">;

/** Null when the producer is fenced. */
function nextEpoch(
  { producerId, producerEpoch, lastProducerEpoch }: Transaction,
  expected: ProducerIdAndEpoch | null,
  newProducerId: number | null,
): Next | null | typeof NEEDS_PRODUCER_ID {
  const isFirst = expected === null || producerEpoch === NO_EPOCH;
  // It asks again, because it did not get the answer.
  if (!isFirst && expected.producerEpoch === lastProducerEpoch) {
    return { producerId, producerEpoch, lastProducerEpoch };
  }
  if (!isFirst && expected.producerEpoch !== producerEpoch) return null;
  const last = expected === null ? NO_EPOCH : producerEpoch;
  if (!isExhausted(producerEpoch)) {
    return { producerId, producerEpoch: producerEpoch + 1, lastProducerEpoch: last };
  }
  if (newProducerId === null) return NEEDS_PRODUCER_ID;
  return { producerId: newProducerId, producerEpoch: 0, lastProducerEpoch: last };
}

const NO_EPOCH = -1;

function refusal(errorCode: ErrorCode): InitAnswer {
  return { errorCode, producerId: -1, producerEpoch: -1 };
}
