import { NO_PRODUCER_EPOCH, NO_SEQUENCE } from "@tarpan/protocol";
import type { InUseOrder } from "../util/use-order.ts";
import type { AbortedTransaction } from "./aborted-transactions.ts";
import type { OpenTransaction } from "./open-transactions.ts";
import type { ProducerEntry } from "./producer-snapshot.ts";
import type { SeenBatch } from "./sequences.ts";

/** What a partition remembers about one producer. */
export interface ProducerState extends InUseOrder<ProducerState> {
  readonly producerId: number;
  batches: SeenBatch[];
  /** Null until a transaction of the producer has ended here. */
  marker: Marker | null;
}

/** The newest marker of a producer. Its epoch is the producer's, unless a batch has a newer one. */
export interface Marker extends MarkerSnapshot {
  /** The one before it, kept while this one is not durable. */
  before: Marker | null;
}

interface MarkerSnapshot {
  readonly epoch: number;
  readonly coordinatorEpoch: number;
  readonly offset: number;
  /** Ms since the epoch. */
  readonly timestamp: number;
}

export interface ProducerSnapshot {
  readonly producerId: number;
  readonly batches: readonly SeenBatch[];
}

export interface MarkerOfProducer extends MarkerSnapshot {
  readonly producerId: number;
}

export interface ProducersSnapshot {
  readonly producers: Iterable<ProducerSnapshot>;
  readonly markers: Iterable<MarkerOfProducer>;
  /** In the order of their first offsets. */
  readonly openTransactions: Iterable<OpenTransaction>;
  readonly abortedTransactions: Iterable<AbortedTransaction>;
}

export function epochOf(state: ProducerState | undefined): number {
  if (state === undefined) return NO_PRODUCER_EPOCH;
  const { batches, marker } = state;
  const epoch = batches.length === 0 ? NO_PRODUCER_EPOCH : batches[batches.length - 1]!.epoch;
  return marker === null ? epoch : Math.max(epoch, marker.epoch);
}

/** What a snapshot as of `offset` says of a producer; null when it did nothing before. */
export function entryAt(
  offset: number,
  state: ProducerState,
  currentTxnFirstOffset: number,
): ProducerEntry | null {
  const last = batchBefore(offset, state);
  const marker = markerBefore(offset, state);
  if (last === undefined && marker === null) return null;
  const epoch = Math.max(last?.epoch ?? NO_PRODUCER_EPOCH, marker?.epoch ?? NO_PRODUCER_EPOCH);
  const batch = last?.epoch === epoch ? last : undefined;
  // No spread of objects in here: with it, 100,000 of them take ten times as long.
  return {
    producerId: state.producerId,
    epoch,
    lastSequence: batch === undefined ? NO_SEQUENCE : batch.lastSequence,
    lastOffset: batch === undefined ? -1 : batch.lastOffset,
    offsetDelta: batch === undefined ? 0 : batch.lastOffset - batch.baseOffset,
    timestamp: Math.max(last?.timestamp ?? -1, marker?.timestamp ?? -1),
    coordinatorEpoch: marker === null ? -1 : marker.coordinatorEpoch,
    currentTxnFirstOffset,
  };
}

function batchBefore(offset: number, { batches }: ProducerState): SeenBatch | undefined {
  let at = batches.length - 1;
  while (at >= 0 && batches[at]!.baseOffset >= offset) at--;
  return batches[at];
}

export function markerBefore(offset: number, { marker }: ProducerState): Marker | null {
  let found = marker;
  while (found !== null && found.offset >= offset) found = found.before;
  return found;
}

export function lastMsOf({ batches, marker }: ProducerState): number {
  const batchMs = batches.at(-1)?.timestamp ?? Number.NEGATIVE_INFINITY;
  return Math.max(batchMs, marker?.timestamp ?? Number.NEGATIVE_INFINITY);
}

/** The chain of markers without the one at `offset`. */
export function withoutMarker(marker: Marker | null, offset: number): Marker | null {
  if (marker === null) return null;
  if (marker.offset === offset) return marker.before;
  marker.before = withoutMarker(marker.before, offset);
  return marker;
}
