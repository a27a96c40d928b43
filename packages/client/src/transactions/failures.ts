// Which failures end a transaction and which end its producer, as in Kafka's TransactionManager.
// All retriable errors were retried before, until the time-out.
import { ErrorCode } from "@tarpan/protocol";
import { KafkaResponseError, TransactionError, UnsupportedVersionError } from "../errors.ts";

/** Who answered with the error. */
export type Answerer = "coordinator" | "leader";

const FENCING: readonly number[] = [ErrorCode.INVALID_PRODUCER_EPOCH, ErrorCode.PRODUCER_FENCED];

const FATAL: readonly number[] = [
  ErrorCode.PRODUCER_FENCED,
  ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
  ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
  ErrorCode.INVALID_PRODUCER_ID_MAPPING,
];

/**
 * A partition's leader answers these also when the coordinator has only ended this transaction: the
 * coordinator's answer to the abort tells.
 */
const FATAL_FROM_COORDINATOR: readonly number[] = [
  ...FATAL,
  ErrorCode.INVALID_PRODUCER_EPOCH,
  ErrorCode.INVALID_TXN_STATE,
  ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT,
];

/** What `failure` means for a transaction of `transactionalId`. */
export function transactionError(
  transactionalId: string,
  failure: Error,
  from: Answerer,
): TransactionError {
  if (failure instanceof TransactionError) return failure;
  const { message } = failure;
  const about = `transactional id ${transactionalId}`;
  if (!isFatal(failure, from)) {
    const todo = "call abort(), then begin() another transaction";
    return new TransactionError(
      "TARPAN_TRANSACTION_FAILED",
      `${about}: ${message}; ${todo}`,
      failure,
    );
  }
  if (isOneOf(failure, FENCING)) {
    const why = "a newer producer has taken it over, or the transaction has timed out";
    const fenced = `${about}: ${why}; close this producer (${message})`;
    return new TransactionError("TARPAN_PRODUCER_FENCED", fenced, failure);
  }
  const isOver = isOneOf(failure, [ErrorCode.INVALID_TXN_STATE]);
  const why = isOver
    ? "; it is not open any more: it may have timed out, or a newer producer has ended it"
    : "";
  const fatal = `${about}: ${message}${why}; this producer can't go on: close it`;
  return new TransactionError("TARPAN_PRODUCER_FAILED", fatal, failure);
}

/** For a failure for which no abort would help: the abort itself has failed. */
export function fatalError(transactionalId: string, failure: Error): TransactionError {
  const error = transactionError(transactionalId, failure, "coordinator");
  if (!error.abortable) return error;
  const message = `transactional id ${transactionalId}: ${failure.message}; close this producer`;
  return new TransactionError("TARPAN_PRODUCER_FAILED", message, failure);
}

function isFatal(failure: Error, from: Answerer): boolean {
  if (failure instanceof UnsupportedVersionError) return true;
  return isOneOf(failure, from === "coordinator" ? FATAL_FROM_COORDINATOR : FATAL);
}

function isOneOf(failure: Error, codes: readonly number[]): boolean {
  return failure instanceof KafkaResponseError && codes.includes(failure.kafkaCode);
}
