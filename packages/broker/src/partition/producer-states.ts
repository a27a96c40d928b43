import { type BatchHeader, NO_PRODUCER_EPOCH } from "@tarpan/protocol";
import { MAX_PRODUCERS_PER_PARTITION, REMEMBERED_BATCHES_PER_PRODUCER } from "./limits.ts";

/**
 * What a partition remembers about idempotent producers, so that a retried batch is stored once
 * (KIP-98; Kafka's ProducerStateManager).
 *
 * Invariants:
 * 1. A producer's batches are kept in log order, and the last one holds its current epoch.
 * 2. Batches are added when they are appended, before they are durable; `forget` removes one whose
 *    append failed.
 * 3. A batch that is not durable yet never replaces a durable one.
 */
export class ProducerStates {
  readonly #byId = new Map<number, ProducerState>();

  get count(): number {
    return this.#byId.size;
  }

  /** Changes nothing. As in Kafka, epoch -1 is a valid epoch, but its sequences are not checked. */
  validate(batch: BatchHeader): SequenceVerdict {
    const state = this.#byId.get(batch.producerId);
    const last = state?.batches.at(-1);
    const currentEpoch = last?.epoch ?? NO_PRODUCER_EPOCH;
    if (batch.producerEpoch < currentEpoch) return { kind: "old-epoch", currentEpoch };
    if (last === undefined) return NEW_BATCH;
    const anySequence = currentEpoch === NO_PRODUCER_EPOCH;
    if (batch.producerEpoch > currentEpoch) {
      return anySequence || batch.baseSequence === 0 ? NEW_BATCH : outOfOrder(batch, -1);
    }
    const lastSequence = lastSequenceOf(batch);
    const known = state!.batches.find(
      (seen) =>
        seen.epoch === batch.producerEpoch &&
        seen.firstSequence === batch.baseSequence &&
        seen.lastSequence === lastSequence,
    );
    if (known !== undefined) return { kind: "duplicate", of: known };
    if (!anySequence && batch.baseSequence !== sequenceAfter(last.lastSequence)) {
      return outOfOrder(batch, last.lastSequence);
    }
    return NEW_BATCH;
  }

  /** Adds a batch that got `baseOffset`. All offsets below `durableEnd` are durable. */
  note(
    batch: BatchHeader,
    baseOffset: number,
    durableEnd: number,
    nowMs = batch.maxTimestamp,
  ): SeenBatch {
    const seen: SeenBatch = {
      epoch: batch.producerEpoch,
      firstSequence: batch.baseSequence,
      lastSequence: lastSequenceOf(batch),
      baseOffset,
      lastOffset: baseOffset + batch.lastOffsetDelta,
      timestamp: Math.max(batch.maxTimestamp, nowMs),
    };
    const state = this.#byId.get(batch.producerId);
    // Deleting first moves the producer to the end of the map, which keeps the order of last use.
    this.#byId.delete(batch.producerId);
    this.#byId.set(batch.producerId, state ?? { batches: [] });
    const batches = this.#byId.get(batch.producerId)!.batches;
    batches.push(seen);
    dropOldest(batches, durableEnd);
    if (this.#byId.size > MAX_PRODUCERS_PER_PARTITION) {
      this.#byId.delete(this.#byId.keys().next().value!);
    }
    return seen;
  }

  /** Removes a batch whose append failed. */
  forget(producerId: number, seen: SeenBatch): void {
    const batches = this.#byId.get(producerId)?.batches;
    const at = batches?.indexOf(seen) ?? -1;
    if (at === -1) return;
    batches!.splice(at, 1);
    if (batches!.length === 0) this.#byId.delete(producerId);
  }

  /** Each producer's id, followed by the last offset of its newest batch. */
  lastOffsets(): Float64Array {
    const pairs = new Float64Array(2 * this.#byId.size);
    let at = 0;
    for (const [producerId, { batches }] of this.#byId) {
      pairs[at++] = producerId;
      pairs[at++] = batches.at(-1)!.lastOffset;
    }
    return pairs;
  }

  /** Forgets producers whose newest batch is older than `timestamp`, ms since the epoch. */
  expireBefore(timestamp: number): void {
    for (const [producerId, { batches }] of this.#byId) {
      if (batches.at(-1)!.timestamp < timestamp) this.#byId.delete(producerId);
    }
  }

  /**
   * The state below `offset`, for a checkpoint. It yields the producers that exist at its first
   * step, each as it is at its own step. Meanwhile batches from `offset` on may have replaced older
   * ones; a scan from `offset` on does the same again.
   */
  *snapshot(offset: number): Generator<ProducerSnapshot> {
    // A copy of the ids: active producers move to the end of the map, so its iteration may not end.
    for (const producerId of [...this.#byId.keys()]) {
      const batches = this.#byId.get(producerId)?.batches ?? [];
      const below = batches.filter((batch) => batch.baseOffset < offset);
      if (below.length > 0) yield { producerId, batches: below };
    }
  }

  restore(producers: Iterable<ProducerSnapshot>): void {
    for (const { producerId, batches } of producers) {
      this.#byId.set(producerId, { batches: [...batches] });
    }
  }
}

interface ProducerState {
  readonly batches: SeenBatch[];
}

export interface SeenBatch {
  readonly epoch: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly timestamp: number;
}

export interface ProducerSnapshot {
  readonly producerId: number;
  readonly batches: readonly SeenBatch[];
}

export type SequenceVerdict =
  | { readonly kind: "new" }
  | { readonly kind: "duplicate"; readonly of: SeenBatch }
  | SequenceRefusal;

export type SequenceRefusal =
  | { readonly kind: "old-epoch"; readonly currentEpoch: number }
  | { readonly kind: "out-of-order"; readonly got: number; readonly lastSequence: number };

const NEW_BATCH: SequenceVerdict = { kind: "new" };
const LARGEST_SEQUENCE = 0x7fffffff;

function outOfOrder(batch: BatchHeader, lastSequence: number): SequenceVerdict {
  return { kind: "out-of-order", got: batch.baseSequence, lastSequence };
}

/** Sequences count records, and continue with 0 after 2^31-1. */
function lastSequenceOf(batch: BatchHeader): number {
  return (batch.baseSequence + batch.lastOffsetDelta) % (LARGEST_SEQUENCE + 1);
}

function sequenceAfter(sequence: number): number {
  return sequence === LARGEST_SEQUENCE ? 0 : sequence + 1;
}

function dropOldest(batches: SeenBatch[], durableEnd: number): void {
  let durable = 0;
  while (durable < batches.length && batches[durable]!.baseOffset < durableEnd) durable++;
  const surplus = durable - REMEMBERED_BATCHES_PER_PRODUCER;
  if (surplus > 0) batches.splice(0, surplus);
}
