import { ErrorCode } from "@tarpan/protocol";
import { timeoutOf } from "../model/timers.ts";
import {
  holds,
  isPrepared,
  joined,
  type TopicPartitions,
  type Transaction,
} from "../model/transaction.ts";
import { record, type TransactionOperation } from "../turn.ts";

export interface ProducerInTransaction {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** Adds partitions to the producer's transaction, which begins with the first ones. */
export function addPartitions(
  producer: ProducerInTransaction,
  added: readonly TopicPartitions[],
  clientVersion: number,
): TransactionOperation<ErrorCode> {
  return (turn, reply) => {
    const { transactionalId } = producer;
    const known = turn.state.get(transactionalId);
    // First of all: the producer may have got its next id or epoch already.
    const isEnding = known !== undefined && isPrepared(known);
    const { CONCURRENT_TRANSACTIONS } = ErrorCode;
    const errorCode = isEnding ? CONCURRENT_TRANSACTIONS : validateProducer(known, producer);
    if (errorCode !== ErrorCode.NONE) return turn.reply(reply, errorCode);
    const isOngoing = known!.state === "Ongoing";
    const isNew = !isOngoing || added.some((some) => !holdsAll(known!, some));
    if (isNew) {
      const partitions = joined(isOngoing ? known!.partitions : [], added);
      record(turn, {
        ...{ ...known!, state: "Ongoing", partitions, clientVersion },
        startMs: isOngoing ? known!.startMs : turn.wallMs,
        updatedMs: turn.wallMs,
        previousProducerId: known!.producerId,
      });
    }
    if (!isOngoing) turn.arm(timeoutOf(transactionalId), known!.timeoutMs);
    turn.reply(reply, ErrorCode.NONE);
  };
}

/** Whether the producer's ongoing transaction holds a partition. */
export type PartitionVerdict = (topic: string, partition: number) => ErrorCode;

export function verifyPartitions(
  producer: ProducerInTransaction,
): TransactionOperation<PartitionVerdict> {
  return (turn, reply) => {
    const known = turn.state.get(producer.transactionalId);
    const errorCode = validateProducer(known, producer);
    const { NONE, TRANSACTION_ABORTABLE } = ErrorCode;
    turn.reply(reply, (topic, partition) => {
      if (errorCode !== NONE) return errorCode;
      return holds(known!, topic, partition) ? NONE : TRANSACTION_ABORTABLE;
    });
  };
}

function validateProducer(
  known: Transaction | undefined,
  { producerId, producerEpoch }: ProducerInTransaction,
): ErrorCode {
  if (known?.producerId !== producerId) return ErrorCode.INVALID_PRODUCER_ID_MAPPING;
  if (known.producerEpoch !== producerEpoch) return ErrorCode.PRODUCER_FENCED;
  return isPrepared(known) ? ErrorCode.CONCURRENT_TRANSACTIONS : ErrorCode.NONE;
}

function holdsAll(known: Transaction, { topic, partitionIds }: TopicPartitions): boolean {
  return partitionIds.every((id) => holds(known, topic, id));
}
