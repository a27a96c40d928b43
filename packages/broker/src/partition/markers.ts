import type { BatchHeader } from "@tarpan/protocol";

/** What a marker in the log says. */
export interface MarkerFields extends Pick<BatchHeader, "producerId" | "producerEpoch"> {
  readonly isCommit: boolean;
  readonly coordinatorEpoch: number;
  /** Ms since the epoch. */
  readonly timestamp: number;
}

/** A marker that the coordinator of transactions wants to be written. */
export interface EndOfTransaction extends MarkerFields {
  /** Whether each transaction has an epoch of its own: `transaction.version` 2. */
  readonly bumpsEpoch: boolean;
}

export type MarkerRefusal =
  | { readonly kind: "old-epoch"; readonly currentEpoch: number }
  | { readonly kind: "old-coordinator" };

/** What is known where a marker is to be written. */
interface KnownProducer {
  readonly currentEpoch: number;
  /** Of its newest marker; -1 before the first one. */
  readonly coordinatorEpoch: number;
  /** Whether it has an open transaction here. */
  readonly isOpen: boolean;
}

/** No newer epoch exists, so that also a marker has to use it. */
const LAST_EPOCH = 0x7fff;

/** Null when the marker may be written (Kafka's ProducerAppendInfo). */
export function refusalOf(
  end: EndOfTransaction,
  { currentEpoch, coordinatorEpoch, isOpen }: KnownProducer,
): MarkerRefusal | null {
  // With an epoch for each transaction the marker has a newer one, unless it is written again.
  const isAgain = end.producerEpoch === currentEpoch && (!isOpen || currentEpoch === LAST_EPOCH);
  const isOld = end.bumpsEpoch
    ? end.producerEpoch <= currentEpoch && !isAgain
    : end.producerEpoch < currentEpoch;
  if (isOld) return { kind: "old-epoch", currentEpoch };
  return coordinatorEpoch > end.coordinatorEpoch ? { kind: "old-coordinator" } : null;
}
