import type { BatchHeader } from "@tarpan/protocol";
import { ABORTED_FIELDS } from "../log/compaction/aborted-ranges.ts";
import { UseOrder } from "../util/use-order.ts";
import { type AbortedTransaction, AbortedTransactions } from "./aborted-transactions.ts";
import { MAX_PRODUCERS_PER_PARTITION } from "./limits.ts";
import {
  type EndOfTransaction,
  type MarkerFields,
  type MarkerRefusal,
  refusalOf,
} from "./markers.ts";
import { OpenTransactions } from "./open-transactions.ts";
import type { ProducerEntry } from "./producer-snapshot.ts";
import {
  entryAt,
  epochOf,
  lastMsOf,
  type MarkerOfProducer,
  markerBefore,
  type ProducerSnapshot,
  type ProducerState,
  type ProducersSnapshot,
  withoutMarker,
} from "./producer-state.ts";
import {
  checkSequence,
  dropOldest,
  originalOf,
  type SeenBatch,
  type SequenceVerdict,
  seenAt,
} from "./sequences.ts";
import { type Verification, Verifications } from "./verifications.ts";

/**
 * What a partition remembers about producers: their last batches, so that a retried batch is stored
 * once, and their transactions (KIP-98, KIP-890; Kafka's ProducerStateManager).
 *
 * Invariants:
 * 1. A producer's batches are kept in log order, and no later one has an older epoch.
 * 2. Batches and markers are noted when they are appended, before they are durable; `forget` and
 *    `undoMarker` take back what was not appended. If one append fails, so do all later ones.
 * 3. A batch that is not durable yet never replaces a durable one.
 * 4. A producer with an open transaction is never forgotten.
 */
export class ProducerStates {
  readonly #byId = new Map<number, ProducerState>();
  /** Those without an open transaction. */
  readonly #idle = new UseOrder<ProducerState>();
  /** None of these was last used before it, ms since the epoch. */
  #idleSinceMs = Number.NEGATIVE_INFINITY;
  readonly #open = new OpenTransactions();
  readonly #aborted = new AbortedTransactions();
  /** The offsets of the snapshots that are being made, and the lowest of them. */
  readonly #snapshots: number[] = [];
  #heldFrom = Number.POSITIVE_INFINITY;
  readonly verifications = new Verifications();

  get count(): number {
    return this.#byId.size;
  }

  /** Whether the producer has a transaction here, which it began in this epoch. */
  hasOpenTransaction({ producerId, producerEpoch }: ProducerOfBatch): boolean {
    if (this.#open.firstOffsetOf(producerId) === undefined) return false;
    return epochOf(this.#byId.get(producerId)) === producerEpoch;
  }

  /**
   * Changes nothing. The first batch of a transaction needs the verification that was begun for it.
   */
  validate(batch: BatchHeader, verification: Verification | null = null): SequenceVerdict {
    const { producerId, producerEpoch, isTransactional } = batch;
    const state = this.#byId.get(producerId);
    const currentEpoch = epochOf(state);
    if (producerEpoch < currentEpoch) return { kind: "old-epoch", currentEpoch };
    const known = state === undefined ? undefined : originalOf(batch, state.batches);
    if (known !== undefined) return { kind: "duplicate", of: known };
    const wanted = this.verifications.get(producerId);
    if (isTransactional && !this.hasOpenTransaction(batch)) {
      if (wanted === undefined || wanted !== verification) return NOT_IN_TRANSACTION;
    }
    const verdict = checkSequence(batch, state?.batches.at(-1), currentEpoch, wanted);
    if (verdict.kind !== "new" || isTransactional) return verdict;
    const isOutside = this.#open.firstOffsetOf(producerId) !== undefined;
    return isOutside ? OUTSIDE_TRANSACTION : verdict;
  }

  /** Adds a batch that got `baseOffset`. All offsets below `durableEnd` are durable. */
  note(
    batch: BatchHeader,
    baseOffset: number,
    durableEnd: number,
    nowMs = batch.maxTimestamp,
  ): SeenBatch {
    const { producerId } = batch;
    const seen = seenAt(batch, baseOffset, nowMs);
    const state = this.#used(producerId, seen.timestamp);
    // An array that grows by a push has room for 17.
    if (state.batches.length === 0) state.batches = [seen];
    else state.batches.push(seen);
    dropOldest(state.batches, Math.min(durableEnd, this.#heldFrom));
    if (batch.isTransactional) {
      if (this.#open.firstOffsetOf(producerId) === undefined) {
        const verified = this.verifications.get(producerId);
        this.#open.begin(producerId, baseOffset, verified?.transactionalId);
        this.#idle.remove(state);
      }
      this.verifications.begun(producerId);
    }
    return seen;
  }

  /** Removes a batch whose append failed. */
  forget(producerId: number, seen: SeenBatch): void {
    const state = this.#byId.get(producerId);
    const at = state?.batches.indexOf(seen) ?? -1;
    if (state === undefined || at === -1) return;
    state.batches.splice(at, 1);
    this.#open.undoBegin(producerId, seen.baseOffset);
    this.#undone(state);
  }

  /** Changes nothing. Null when the marker may be appended. */
  validateMarker(end: EndOfTransaction): MarkerRefusal | null {
    const state = this.#byId.get(end.producerId);
    return refusalOf(end, {
      currentEpoch: epochOf(state),
      coordinatorEpoch: state?.marker?.coordinatorEpoch ?? -1,
      isOpen: this.#open.firstOffsetOf(end.producerId) !== undefined,
    });
  }

  /** Adds a marker that got `offset`: it ends the producer's transaction, if one is open. */
  noteMarker(end: MarkerFields, offset: number, durableEnd: number): void {
    const { producerId, producerEpoch: epoch, coordinatorEpoch, isCommit, timestamp } = end;
    const state = this.#used(producerId, timestamp);
    const { marker } = state;
    if (marker !== null && marker.offset < Math.min(durableEnd, this.#heldFrom))
      marker.before = null;
    state.marker = { epoch, coordinatorEpoch, offset, timestamp, before: marker };
    this.verifications.ended(producerId, epoch);
    const firstOffset = this.#open.firstOffsetOf(producerId);
    if (firstOffset === undefined) return;
    this.#open.end(producerId, offset);
    this.#idle.used(state);
    if (isCommit) return;
    const lastStableOffset = this.#open.firstOngoing() ?? offset + 1;
    this.#aborted.add({ producerId, firstOffset, lastOffset: offset, lastStableOffset });
  }

  /** Takes back the marker at `offset`, whose append failed. */
  undoMarker(producerId: number, offset: number): void {
    const state = this.#byId.get(producerId);
    if (state === undefined) return;
    state.marker = withoutMarker(state.marker, offset);
    this.#aborted.remove(producerId, offset);
    this.#open.undoEnd(producerId, offset);
    this.#undone(state);
  }

  /** Call after the durable end has moved. Returns whether an end of a transaction was reached. */
  settle(durableEnd: number): boolean {
    return this.#open.settle(durableEnd);
  }

  /** One past the last offset that readers of committed records may see. */
  lastStableOffset(startOffset: number, durableEnd: number): number {
    const first = this.#open.firstUndecided(durableEnd);
    return first === undefined ? durableEnd : Math.min(Math.max(first, startOffset), durableEnd);
  }

  /** The ongoing transaction that readers of committed records wait for; null if there is none. */
  oldestOpen(): OldestTransaction | null {
    const oldest = this.#open.oldestOngoing();
    if (oldest === undefined) return null;
    const { producerId, firstOffset, transactionalId } = oldest;
    const producerEpoch = epochOf(this.#byId.get(producerId));
    return { producerId, producerEpoch, transactionalId, startOffset: firstOffset };
  }

  get abortedCount(): number {
    return this.#aborted.count;
  }

  /** Aborted transactions with records from `offset` on, and before `end`. */
  abortedBetween(offset: number, end: number): Iterable<AbortedTransaction> {
    return this.#aborted.between(offset, end);
  }

  /** See AbortedRanges. */
  abortedRanges(): Float64Array {
    const ranges = new Float64Array(ABORTED_FIELDS * this.#aborted.count);
    let at = 0;
    for (const { producerId, firstOffset, lastOffset } of this.#aborted.snapshot(Infinity)) {
      ranges.set([producerId, firstOffset, lastOffset], at);
      at += ABORTED_FIELDS;
    }
    return ranges;
  }

  *describe(): Generator<DescribedProducer> {
    for (const [producerId, state] of this.#byId) {
      const producerEpoch = epochOf(state);
      const last = state.batches.at(-1);
      yield {
        ...{ producerId, producerEpoch, lastTimestamp: lastMsOf(state) },
        lastSequence: last?.epoch === producerEpoch ? last.lastSequence : -1,
        coordinatorEpoch: state.marker?.coordinatorEpoch ?? -1,
        currentTxnStartOffset: this.#open.firstOffsetOf(producerId) ?? -1,
      };
    }
  }

  /** Each producer's id, followed by the last offset of its newest batch. */
  lastOffsets(): Float64Array {
    const pairs = new Float64Array(2 * this.#byId.size);
    let at = 0;
    for (const [producerId, { batches }] of this.#byId) {
      pairs[at++] = producerId;
      pairs[at++] = batches.at(-1)?.lastOffset ?? -1;
    }
    return pairs;
  }

  /** Forgets producers that wrote nothing since `timestamp`, ms since the epoch. */
  expireBefore(timestamp: number): void {
    this.verifications.expireBefore(timestamp);
    // Most calls end here, without a pass over all producers.
    if (timestamp <= this.#idleSinceMs) return;
    let idleSinceMs = Number.POSITIVE_INFINITY;
    for (const state of this.#idle) {
      const lastMs = lastMsOf(state);
      if (lastMs < timestamp) this.#drop(state);
      else if (lastMs < idleSinceMs) idleSinceMs = lastMs;
    }
    this.#idleSinceMs = idleSinceMs;
  }

  /** Forgets transactions that were aborted before `offset`. Returns whether there were any. */
  forgetAborted(offset: number): boolean {
    const before = this.#aborted.count;
    this.#aborted.dropBefore(offset);
    return this.#aborted.count < before;
  }

  /** The transactions whose abort is at or after `from`, and before `to`. */
  abortsBetween(from: number, to: number): readonly AbortedTransaction[] {
    return this.#aborted.count === 0 ? NO_ABORTS : this.#aborted.endedBetween(from, to);
  }

  /**
   * Each producer as it was at `offset`, which is the durable end at the first step. What is known
   * of the time before it is kept until the last step.
   */
  *describeAt(offset: number): Generator<ProducerEntry> {
    this.#hold(offset);
    try {
      const open = new Map<number, number>();
      for (const { producerId, firstOffset } of this.#open.snapshot(offset)) {
        open.set(producerId, firstOffset);
      }
      for (const producerId of [...this.#byId.keys()]) {
        const state = this.#byId.get(producerId);
        if (state === undefined) continue;
        const entry = entryAt(offset, state, open.get(producerId) ?? -1);
        if (entry !== null) yield entry;
      }
    } finally {
      this.#snapshots.splice(this.#snapshots.indexOf(offset), 1);
      this.#heldFrom = Math.min(...this.#snapshots);
    }
  }

  #hold(offset: number): void {
    this.#snapshots.push(offset);
    this.#heldFrom = Math.min(...this.#snapshots);
  }

  /**
   * The state below `offset`, for a checkpoint. Transactions are as they are now; the producers are
   * those that exist at its first step, each as it is at its own step. Meanwhile batches from
   * `offset` on may have replaced older ones; a scan from `offset` on does the same again.
   */
  snapshot(offset: number): ProducersSnapshot {
    return {
      producers: this.#snapshotBatches(offset),
      markers: this.#snapshotMarkers(offset),
      openTransactions: this.#open.snapshot(offset),
      abortedTransactions: this.#aborted.snapshot(offset),
    };
  }

  *#snapshotBatches(offset: number): Generator<ProducerSnapshot> {
    for (const producerId of this.#ids()) {
      const batches = this.#byId.get(producerId)?.batches ?? [];
      const below = batches.filter((batch) => batch.baseOffset < offset);
      if (below.length > 0) yield { producerId, batches: below };
    }
  }

  *#snapshotMarkers(offset: number): Generator<MarkerOfProducer> {
    for (const producerId of this.#ids()) {
      const state = this.#byId.get(producerId);
      const marker = state === undefined ? null : markerBefore(offset, state);
      if (marker !== null) yield { producerId, ...marker };
    }
  }

  /** Of all that exist now, in the order of their last use, which `restore` takes over. */
  #ids(): number[] {
    const ids = [...this.#open.producerIds()];
    for (const { producerId } of this.#idle) ids.push(producerId);
    return ids;
  }

  restore(saved: ProducersSnapshot): void {
    this.#idleSinceMs = Number.NEGATIVE_INFINITY;
    for (const { producerId, batches } of saved.producers) {
      this.#stateOf(producerId).batches.push(...batches);
    }
    for (const { producerId, epoch, coordinatorEpoch, offset, timestamp } of saved.markers) {
      const marker = { epoch, coordinatorEpoch, offset, timestamp, before: null };
      this.#stateOf(producerId).marker = marker;
    }
    for (const { producerId, firstOffset } of saved.openTransactions) {
      this.#open.begin(producerId, firstOffset);
      const state = this.#byId.get(producerId);
      if (state !== undefined) this.#idle.remove(state);
    }
    for (const transaction of saved.abortedTransactions) this.#aborted.add(transaction);
  }

  #stateOf(producerId: number): ProducerState {
    let state = this.#byId.get(producerId);
    if (state === undefined) {
      state = { producerId, batches: [], marker: null, earlier: null, later: null };
      this.#byId.set(producerId, state);
      this.#idle.used(state);
    }
    return state;
  }

  /** The state of a producer, which becomes the one that was used last. */
  #used(producerId: number, timestampMs: number): ProducerState {
    if (timestampMs < this.#idleSinceMs) this.#idleSinceMs = timestampMs;
    const state = this.#stateOf(producerId);
    if (this.#open.firstOffsetOf(producerId) === undefined) this.#idle.used(state);
    const { oldest } = this.#idle;
    const isSurplus = this.#byId.size > MAX_PRODUCERS_PER_PARTITION;
    if (isSurplus && oldest !== null && oldest !== state) this.#drop(oldest);
    return state;
  }

  /** After something of it was taken back. */
  #undone(state: ProducerState): void {
    this.#idleSinceMs = Number.NEGATIVE_INFINITY;
    if (state.batches.length === 0 && state.marker === null) this.#drop(state);
    else if (this.#open.firstOffsetOf(state.producerId) === undefined) this.#idle.used(state);
    else this.#idle.remove(state);
  }

  #drop(state: ProducerState): void {
    this.#byId.delete(state.producerId);
    this.#idle.remove(state);
  }
}

/** What DescribeProducers says of a producer; -1 for what there is not. */
export interface DescribedProducer {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly lastSequence: number;
  readonly lastTimestamp: number;
  readonly coordinatorEpoch: number;
  readonly currentTxnStartOffset: number;
}

export interface OldestTransaction {
  readonly producerId: number;
  readonly producerEpoch: number;
  /** Null if it began before this broker opened the partition. */
  readonly transactionalId: string | null;
  /** Of its first record. */
  readonly startOffset: number;
}

type ProducerOfBatch = Pick<BatchHeader, "producerId" | "producerEpoch">;

const NO_ABORTS: readonly AbortedTransaction[] = [];
const NOT_IN_TRANSACTION: SequenceVerdict = { kind: "not-in-transaction" };
const OUTSIDE_TRANSACTION: SequenceVerdict = { kind: "outside-transaction" };
