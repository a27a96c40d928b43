import { ErrorCode } from "@tarpan/protocol";
import type { TransactionRules } from "../partition/produce.ts";
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
    transactionalId,
    async verify(batch, partition) {
      const { producerId, producerEpoch } = batch;
      // Without one no batch comes this far.
      const producer = { transactionalId: transactionalId!, producerId, producerEpoch };
      const { topic, partition: index } = partition;
      const wanted = { ...producer, topic, partition: index };
      return answerOf(await services.transactions.verify(wanted, adds), version);
    },
  };
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
