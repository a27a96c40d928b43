import { type BatchHeader, NO_PRODUCER_EPOCH, NO_SEQUENCE } from "@tarpan/protocol";
import { REMEMBERED_BATCHES_PER_PRODUCER } from "./limits.ts";
import type { Verification } from "./verifications.ts";

// The sequences of idempotent producers, so that a retried batch is stored once (KIP-98).

export interface SeenBatch {
  readonly epoch: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly timestamp: number;
}

export type SequenceVerdict =
  | { readonly kind: "new" }
  | { readonly kind: "duplicate"; readonly of: SeenBatch }
  | SequenceRefusal;

export type SequenceRefusal =
  | { readonly kind: "old-epoch"; readonly currentEpoch: number }
  | { readonly kind: "out-of-order"; readonly got: number; readonly lastSequence: number }
  /** A transactional batch, and the coordinator was not asked or a marker came after its answer. */
  | { readonly kind: "not-in-transaction" }
  /** A batch that is not transactional, and its producer has an open transaction. */
  | { readonly kind: "outside-transaction" };

const NEW_BATCH: SequenceVerdict = { kind: "new" };
const LARGEST_SEQUENCE = 0x7fffffff;

export function seenAt(batch: BatchHeader, baseOffset: number, nowMs: number): SeenBatch {
  return {
    epoch: batch.producerEpoch,
    firstSequence: batch.baseSequence,
    lastSequence: lastSequenceOf(batch),
    baseOffset,
    lastOffset: baseOffset + batch.lastOffsetDelta,
    timestamp: Math.max(batch.maxTimestamp, nowMs),
  };
}

/** The batch among `batches` that `batch` is a copy of. */
export function originalOf(
  batch: BatchHeader,
  batches: readonly SeenBatch[],
): SeenBatch | undefined {
  const lastSequence = lastSequenceOf(batch);
  return batches.find(
    (seen) =>
      seen.epoch === batch.producerEpoch &&
      seen.firstSequence === batch.baseSequence &&
      seen.lastSequence === lastSequence,
  );
}

/**
 * Whether `batch` follows `last`, its producer's newest one. As in Kafka, epoch -1 is a valid
 * epoch, but its sequences are not checked.
 */
export function checkSequence(
  { producerEpoch, baseSequence }: BatchHeader,
  last: SeenBatch | undefined,
  currentEpoch: number,
  wanted: Verification | undefined,
): SequenceVerdict {
  if (wanted !== undefined) {
    if (wanted.bumpsEpoch && last === undefined && baseSequence !== 0) {
      return outOfOrder(baseSequence, NO_SEQUENCE);
    }
    if (baseSequence > wanted.lowestSequence) {
      return outOfOrder(baseSequence, wanted.lowestSequence - 1);
    }
  }
  if (currentEpoch === NO_PRODUCER_EPOCH) return NEW_BATCH;
  const isSameEpoch = last?.epoch === producerEpoch && producerEpoch === currentEpoch;
  const lastSequence = isSameEpoch ? last.lastSequence : NO_SEQUENCE;
  if (baseSequence === sequenceAfter(lastSequence)) return NEW_BATCH;
  return outOfOrder(baseSequence, lastSequence);
}

function outOfOrder(got: number, lastSequence: number): SequenceVerdict {
  return { kind: "out-of-order", got, lastSequence };
}

/** Sequences count records, and continue with 0 after 2^31-1. */
function lastSequenceOf(batch: BatchHeader): number {
  return (batch.baseSequence + batch.lastOffsetDelta) % (LARGEST_SEQUENCE + 1);
}

function sequenceAfter(sequence: number): number {
  return sequence === LARGEST_SEQUENCE ? 0 : sequence + 1;
}

/** Of the batches below `durableEnd`, only the last ones are kept. */
export function dropOldest(batches: SeenBatch[], durableEnd: number): void {
  let durable = 0;
  while (durable < batches.length && batches[durable]!.baseOffset < durableEnd) durable++;
  const surplus = durable - REMEMBERED_BATCHES_PER_PRODUCER;
  if (surplus > 0) batches.splice(0, surplus);
}
