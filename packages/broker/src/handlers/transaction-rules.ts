import { type BatchHeader, ErrorCode } from "@tarpan/protocol";
import type { LogId } from "../log/log.ts";
import type { TransactionRules } from "../partition/produce.ts";
import { pause } from "../util/pause.ts";
import type { Services } from "./handler.ts";

/** The first version in which a batch adds its partition to the transaction (KIP-890). */
const ADDS_SINCE = 12;
/** The first version whose clients know TRANSACTION_ABORTABLE. */
const ABORTABLE_SINCE = 11;

/** How transactional batches of a Produce request are verified. */
export function transactionRules(
  transactionalId: string | null,
  version: number,
  services: Services,
): TransactionRules {
  const adds = version >= ADDS_SINCE;
  return {
    bumpsEpoch: adds,
    async verify(batch, partition) {
      // As in Kafka: nobody may write in a transaction without a name.
      if (transactionalId === null) return ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
      return answerOf(await ask(transactionalId, adds, batch, partition, services), version);
    },
  };
}

/**
 * With an epoch for each transaction a producer begins the next one before the markers of the last
 * one are written. That takes less time than its client would wait before it sends the batch again.
 */
async function ask(
  transactionalId: string,
  adds: boolean,
  { producerId, producerEpoch }: BatchHeader,
  { topic, partition }: LogId,
  { transactions, metadata, env }: Services,
): Promise<ErrorCode> {
  const wanted = { transactionalId, producerId, producerEpoch, topic, partition };
  const config = metadata.brokerConfig();
  const untilMs = env.clock.monotonicMs() + config.addPartitionsToTxnRetryBackoffMaxMs;
  for (;;) {
    const errorCode = await transactions.verify(wanted, adds);
    const isPassing = adds && errorCode === ErrorCode.CONCURRENT_TRANSACTIONS;
    if (!isPassing || env.clock.monotonicMs() >= untilMs) return errorCode;
    await pause(env.timers, config.addPartitionsToTxnRetryBackoffMs);
  }
}

/** The errors of a coordinator as errors that producers of this version know what to do about. */
function answerOf(errorCode: ErrorCode, version: number): ErrorCode {
  switch (errorCode) {
    case ErrorCode.PRODUCER_FENCED:
      return ErrorCode.INVALID_PRODUCER_EPOCH;
    case ErrorCode.TRANSACTION_ABORTABLE:
      return version >= ABORTABLE_SINCE ? errorCode : ErrorCode.INVALID_TXN_STATE;
    case ErrorCode.CONCURRENT_TRANSACTIONS:
      return version >= ADDS_SINCE ? errorCode : ErrorCode.NOT_ENOUGH_REPLICAS;
    // Any client sends a batch again after this one, without asking for metadata.
    case ErrorCode.NETWORK_EXCEPTION:
    case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
    case ErrorCode.COORDINATOR_NOT_AVAILABLE:
    case ErrorCode.NOT_COORDINATOR:
      return ErrorCode.NOT_ENOUGH_REPLICAS;
    default:
      return errorCode;
  }
}
