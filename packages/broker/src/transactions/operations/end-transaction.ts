import { ErrorCode } from "@tarpan/protocol";
import type { Effects, Ending } from "../model/ending.ts";
import { timeoutKey } from "../model/timers.ts";
import { isExhausted, isPrepared, LAST_EPOCH, type Transaction } from "../model/transaction.ts";
import {
  NEEDS_PRODUCER_ID,
  type OrNeedsProducerId,
  record,
  type TransactionOperation,
  type TransactionTurn,
} from "../turn.ts";
import type { ProducerInTransaction } from "./add-partitions.ts";

export interface EndRequest extends ProducerInTransaction {
  readonly isCommit: boolean;
  /** 2 when each transaction has an epoch of its own (KIP-890). */
  readonly clientVersion: number;
}

export interface EndAnswer {
  readonly errorCode: ErrorCode;
  /** With an epoch for each transaction: what the producer must use from now on. -1 otherwise. */
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** Decides the end of the producer's transaction. The answer does not wait for the markers. */
export function endTransaction(
  request: EndRequest,
  newProducerId: number | null,
  effects: Effects,
): TransactionOperation<OrNeedsProducerId<EndAnswer>> {
  return (turn, reply) => {
    const known = turn.state.get(request.transactionalId);
    const bumps = bumpsEpoch(request);
    const verdict = bumps ? judgeWithBump(known, request) : judge(known, request);
    if (verdict === "retry") return turn.reply(reply, answerOf(known!));
    if (verdict !== "end") return turn.reply(reply, refusal(verdict));
    if (bumps && isExhausted(known!.producerEpoch) && newProducerId === null) {
      return turn.reply(reply, NEEDS_PRODUCER_ID);
    }
    const prepared = prepare(turn, known!, request, newProducerId, effects);
    const { producerId, producerEpoch } = completed(prepared, turn.wallMs);
    const told = bumps ? { producerId, producerEpoch } : NO_PRODUCER;
    turn.reply(reply, { errorCode: ErrorCode.NONE, ...told });
  };
}

/**
 * Aborts an ongoing transaction for another reason than its producer's request, and fences the
 * producer by a newer epoch. Answers whether it was still ongoing.
 */
export function fence(
  { transactionalId, producerId, producerEpoch }: ProducerInTransaction,
  clientVersion: number,
  newProducerId: number | null,
  effects: Effects,
): TransactionOperation<OrNeedsProducerId<boolean>> {
  return (turn, reply) => {
    const known = turn.state.get(transactionalId);
    const isSame = known?.producerId === producerId && known.producerEpoch === producerEpoch;
    if (!isSame || known.state !== "Ongoing") return turn.reply(reply, false);
    const outcome = fenceNow(turn, known, clientVersion, newProducerId, effects);
    turn.reply(reply, outcome === null ? NEEDS_PRODUCER_ID : true);
  };
}

/** Null when it needs a new producer id. */
export function fenceNow(
  turn: TransactionTurn,
  known: Transaction,
  clientVersion: number,
  newProducerId: number | null,
  effects: Effects,
): Transaction | null {
  const bumps = clientVersion >= BUMPS_EPOCH_SINCE;
  if (bumps && isExhausted(known.producerEpoch) && newProducerId === null) return null;
  const request = { isCommit: false, clientVersion };
  if (bumps) return prepare(turn, known, request, newProducerId, effects);
  const producerEpoch = Math.min(known.producerEpoch + 1, LAST_EPOCH);
  const fenced = { ...known, producerEpoch, lastProducerEpoch: -1 };
  return prepare(turn, fenced, request, null, effects);
}

/** All partitions have their markers. */
export function complete({ transaction }: Ending): TransactionOperation<void> {
  return (turn, reply) => {
    // Otherwise another run has completed it.
    const isThere = turn.state.get(transaction.transactionalId) === transaction;
    if (isThere) record(turn, completed(transaction, turn.wallMs));
    turn.reply(reply, undefined);
  };
}

export const BUMPS_EPOCH_SINCE = 2;

function bumpsEpoch({ clientVersion }: EndRequest): boolean {
  return clientVersion >= BUMPS_EPOCH_SINCE;
}

type Verdict = "end" | "retry" | ErrorCode;

/** The rules without an epoch for each transaction: its state alone tells a repeated request. */
function judge(known: Transaction | undefined, request: EndRequest): Verdict {
  const { INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED, INVALID_TXN_STATE } = ErrorCode;
  if (known?.producerId !== request.producerId) return INVALID_PRODUCER_ID_MAPPING;
  if (known.producerEpoch !== request.producerEpoch) return PRODUCER_FENCED;
  if (known.state === "Ongoing") return "end";
  if (known.state === "Empty" || isCommitted(known) !== request.isCommit) return INVALID_TXN_STATE;
  return isPrepared(known) ? ErrorCode.CONCURRENT_TRANSACTIONS : ErrorCode.NONE;
}

/**
 * The rules with an epoch for each transaction: the epoch before the current one tells a repeated
 * request. An abort is also accepted when nothing was added: the producer may not know.
 */
function judgeWithBump(known: Transaction | undefined, request: EndRequest): Verdict {
  const { INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED, INVALID_TXN_STATE } = ErrorCode;
  if (known === undefined) return INVALID_PRODUCER_ID_MAPPING;
  const { producerId, producerEpoch, isCommit } = request;
  if (isPrepared(known) && isNext(known, request)) return ErrorCode.CONCURRENT_TRANSACTIONS;
  const isAfterRotation =
    known.previousProducerId === producerId &&
    producerEpoch === LAST_EPOCH - 1 &&
    known.producerEpoch === 0;
  if (known.producerId !== producerId && !isAfterRotation) return INVALID_PRODUCER_ID_MAPPING;
  const isRetry = known.producerEpoch === producerEpoch + 1 || isAfterRotation;
  const isCurrent = known.producerId === producerId && known.producerEpoch === producerEpoch;
  switch (known.state) {
    case "Ongoing":
      return isCurrent ? "end" : PRODUCER_FENCED;
    case "Empty":
      if (!isCurrent) return PRODUCER_FENCED;
      return isCommit ? INVALID_TXN_STATE : "end";
    case "PrepareCommit":
    case "PrepareAbort":
      if (!isRetry) return PRODUCER_FENCED;
      return isCommitted(known) === isCommit
        ? ErrorCode.CONCURRENT_TRANSACTIONS
        : INVALID_TXN_STATE;
    default:
      if (isRetry) return isCommitted(known) === isCommit ? "retry" : INVALID_TXN_STATE;
      if (!isCurrent) return PRODUCER_FENCED;
      return isCommit ? INVALID_TXN_STATE : "end";
  }
}

/**
 * Whether it is from the producer that was told of the prepared end, and has its next id or epoch.
 * Only the state after the markers says whether that one may end something.
 */
function isNext(prepared: Transaction, { producerId, producerEpoch }: EndRequest): boolean {
  const { nextProducerId } = prepared;
  if (nextProducerId >= 0 && producerId === nextProducerId) return producerEpoch === 0;
  return producerId === prepared.producerId && producerEpoch === prepared.producerEpoch;
}

function isCommitted({ state }: Transaction): boolean {
  return state === "PrepareCommit" || state === "CompleteCommit";
}

/** Records that the transaction ends, and has the markers written once that is durable. */
function prepare(
  turn: TransactionTurn,
  known: Transaction,
  { isCommit, clientVersion }: Pick<EndRequest, "isCommit" | "clientVersion">,
  newProducerId: number | null,
  effects: Effects,
): Transaction {
  const isOngoing = known.state === "Ongoing";
  const bumps = clientVersion >= BUMPS_EPOCH_SINCE;
  const { producerEpoch } = known;
  const prepared: Transaction = {
    ...known,
    state: isCommit ? "PrepareCommit" : "PrepareAbort",
    ...(bumps && {
      producerEpoch: Math.min(producerEpoch + 1, LAST_EPOCH),
      lastProducerEpoch: producerEpoch,
    }),
    previousProducerId: known.producerId,
    nextProducerId: bumps && isExhausted(producerEpoch) ? newProducerId! : -1,
    partitions: isOngoing ? known.partitions : [],
    startMs: isOngoing ? known.startMs : turn.wallMs,
    updatedMs: turn.wallMs,
    clientVersion,
  };
  record(turn, prepared);
  turn.disarm(timeoutKey(known.transactionalId));
  const { leaderEpoch: coordinatorEpoch } = turn;
  turn.whenDurable(() => effects.end({ transaction: prepared, coordinatorEpoch }));
  return prepared;
}

/** The state after `prepared`. */
function completed(prepared: Transaction, wallMs: number): Transaction {
  const { nextProducerId } = prepared;
  return {
    ...prepared,
    state: isCommitted(prepared) ? "CompleteCommit" : "CompleteAbort",
    ...(nextProducerId >= 0 && { producerId: nextProducerId, producerEpoch: 0 }),
    previousProducerId: prepared.producerId,
    nextProducerId: -1,
    partitions: [],
    updatedMs: wallMs,
  };
}

const NO_PRODUCER = { producerId: -1, producerEpoch: -1 };

function refusal(errorCode: ErrorCode): EndAnswer {
  return { errorCode, ...NO_PRODUCER };
}

function answerOf({ producerId, producerEpoch }: Transaction): EndAnswer {
  return { errorCode: ErrorCode.NONE, producerId, producerEpoch };
}
