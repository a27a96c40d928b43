import { crc32c } from "@tarpan/codecs";
import {
  type BatchHeader,
  ErrorCode,
  encodeEndTransaction,
  readBatchHeader,
} from "@tarpan/protocol";
import type { Clock } from "../env/env.ts";
import type { Log, LogId } from "../log/log.ts";
import { LogError } from "../log/log-error.ts";
import { InOrder } from "../util/in-order.ts";
import { goOn, type NextTurn } from "../util/next-turn.ts";
import type { AbortedTransaction } from "./aborted-transactions.ts";
import {
  type AppendOutcome,
  appendedAt,
  failedAppend,
  refusedBatch,
  refusedMarker,
} from "./append-outcome.ts";
import type { BatchIds } from "./batch-ids.ts";
import { dropRecords } from "./drop-records.ts";
import { ABORTS_KEPT_MS, CHECKPOINT_EVERY_BYTES } from "./limits.ts";
import { orKafkaError } from "./log-failure.ts";
import type { EndOfTransaction } from "./markers.ts";
import type { DedupeRules, MessageIds, TakenIds } from "./message-ids.ts";
import { newestOf, originalsOf } from "./originals.ts";
import { PartitionState } from "./partition-state.ts";
import type { DescribedProducer, OldestTransaction } from "./producer-states.ts";
import type { Wake } from "./readable-partition.ts";
import type { SeenBatch, SequenceRefusal } from "./sequences.ts";
import type { Verification } from "./verifications.ts";

const NOTHING = Promise.resolve();

/**
 * Kafka's semantics over one log: idempotent producers, leader epochs, and fetches that wait.
 *
 * Invariants:
 * 1. Nothing is awaited between the sequence check and `log.append`, so that pipelined requests
 *    keep their order and two copies of a batch cannot both count as new.
 * 2. Producer state is ahead of the log only by appends in flight. If one of them fails, its entry
 *    is removed before the producer is answered.
 * 3. A duplicate is acknowledged only when the original batch is durable.
 * 4. A log without gaps accepts no append after one that failed. So an append that is durable says
 *    the same of all earlier ones, and of the originals of the copies that it leaves out.
 */
export class Partition {
  readonly id: LogId;
  readonly log: Log;
  /** Traffic since the partition was opened. */
  readonly traffic = { recordsIn: 0, bytesIn: 0, bytesOut: 0, duplicatesDropped: 0 };
  /** Batches that wait to be appended, because one of them is being compressed. */
  readonly compressed = new InOrder();
  #leaderEpoch = -1;
  readonly #state: PartitionState;
  /** Null until a fetch waits: in each of many quiet partitions, an empty set takes memory too. */
  #waiters: Set<Wake> | null = null;
  /** Settles when everything appended so far is durable or has failed. */
  #lastAppend: Promise<unknown> = NOTHING;
  #bytesAtCheckpoint = 0;
  /** A compaction of all before `to`, and when it ended. */
  #compacted = { to: 0, atMs: Number.NEGATIVE_INFINITY };
  #checkpointing: Promise<number> | null = null;

  private constructor(id: LogId, log: Log, nextTurn: NextTurn, messageIds: MessageIds | null) {
    this.id = id;
    this.log = log;
    this.#state = new PartitionState(nextTurn, messageIds);
  }

  /** Rebuilds its state from the checkpoint and the batches after it. */
  static async open(
    id: LogId,
    log: Log,
    leaderEpoch: number,
    nextTurn: NextTurn = goOn,
    messageIds: MessageIds | null = null,
  ): Promise<Partition> {
    const partition = new Partition(id, log, nextTurn, messageIds);
    await partition.#state.load(log);
    await log.keepProducerFiles?.(partition.#state);
    partition.lead(leaderEpoch);
    return partition;
  }

  /** Begins a leader epoch (KIP-101), which later batches carry. */
  lead(leaderEpoch: number): void {
    if (leaderEpoch <= this.#leaderEpoch) return;
    this.#leaderEpoch = leaderEpoch;
    this.#state.epochs.note(leaderEpoch, this.log.nextOffset);
    this.advanced(0);
  }

  get leaderEpoch(): number {
    return this.#leaderEpoch;
  }

  get highWatermark(): number {
    return this.log.endOffset;
  }

  /** One past the last record that a read_committed consumer may see. */
  get lastStableOffset(): number {
    return this.#state.producers.lastStableOffset(this.log.startOffset, this.log.endOffset);
  }

  get oldestTransaction(): OldestTransaction | null {
    return this.#state.producers.oldestOpen();
  }

  abortedIn(records: readonly Uint8Array[], offset: number): readonly AbortedTransaction[] {
    return this.#state.abortedIn(records, offset);
  }

  /** Each producer that is remembered, for DescribeProducers. */
  describeProducers(): Iterable<DescribedProducer> {
    return this.#state.producers.describe();
  }

  /** Producers whose sequences are remembered. */
  get producerCount(): number {
    return this.#state.producers.count;
  }

  /** Message ids that are remembered, and the memory they take; null when they are not. */
  get messageIds(): Pick<MessageIds, "count" | "sizeBytes"> | null {
    return this.#state.messageIds;
  }

  /** Obeys the topic's `tarpan.dedupe.*`; null switches deduplication off, and forgets all ids. */
  deduplicate(rules: DedupeRules | null, clock: Clock): void {
    this.#state.deduplicate(rules, clock);
  }

  /**
   * Appends one validated batch with its header. An idempotent batch is checked first: error 45 for
   * a gap, 47 for an old epoch, 48 outside of its transaction, the original offset for a duplicate.
   * Then records whose message id is known are left out. `nowMs` is the wall clock, so that records
   * with old timestamps do not make their producer look idle. `verification`: see `verify`.
   */
  append(
    batch: Uint8Array,
    header: BatchHeader,
    nowMs = header.maxTimestamp,
    ids: BatchIds | null = null,
    verification: Verification | null = null,
  ): Promise<AppendOutcome> {
    const { producers, messageIds } = this.#state;
    if (header.producerId >= 0) {
      const verdict = producers.validate(header, verification);
      if (verdict.kind === "duplicate") return this.#answerDuplicate(verdict.of, ids);
      if (verdict.kind !== "new") return this.#refuse(header, verdict);
    }
    if (ids === null || messageIds === null) return this.#store(batch, header, nowMs);
    return this.#storeOnce(batch, header, nowMs, ids, messageIds);
  }

  /**
   * Begins to verify that the coordinator knows of a batch's transaction in this partition; the
   * batch is then appended with the result. Null when that is known already: the transaction has
   * batches here, or the batch will be refused.
   */
  verify(
    header: BatchHeader,
    bumpsEpoch: boolean,
    nowMs: number,
    transactionalId: string | null = null,
  ): Verification | null {
    const { producers } = this.#state;
    if (producers.validate(header).kind !== "not-in-transaction") return null;
    return producers.verifications.begin(header, bumpsEpoch, nowMs, transactionalId);
  }

  /** Appends the marker that ends a producer's transaction in this partition. */
  async endTransaction(end: EndOfTransaction): Promise<AppendOutcome> {
    const { producers } = this.#state;
    const { producerId } = end;
    const refusal = producers.validateMarker(end);
    if (refusal !== null) return refusedMarker(end, refusal);
    const offset = this.log.nextOffset;
    const append = this.log.append(encodeEndTransaction(end, crc32c), this.#leaderEpoch);
    const isStored = this.log.nextOffset > offset;
    if (isStored) {
      producers.noteMarker(end, offset, this.log.endOffset);
      this.#lastAppend = append;
    }
    try {
      await append;
    } catch (error) {
      if (isStored) producers.undoMarker(producerId, offset);
      return failedAppend(error);
    }
    // More than the marker has become readable.
    if (producers.settle(this.log.endOffset)) this.advanced(Number.POSITIVE_INFINITY);
    return appendedAt(offset);
  }

  async #store(batch: Uint8Array, header: BatchHeader, nowMs: number): Promise<AppendOutcome> {
    const { producers } = this.#state;
    const baseOffset = this.log.nextOffset;
    const append = this.log.append(batch, this.#leaderEpoch);
    // If it got no offset, earlier appends are not concerned by its failure.
    const isStored = this.log.nextOffset > baseOffset;
    if (isStored) this.#lastAppend = append;
    const noted =
      isStored && header.producerId >= 0
        ? producers.note(header, baseOffset, this.log.endOffset, nowMs)
        : null;
    this.traffic.bytesIn += batch.byteLength;
    this.traffic.recordsIn += header.recordCount;
    try {
      await append;
    } catch (error) {
      if (noted !== null) producers.forget(header.producerId, noted);
      return failedAppend(error);
    }
    if (this.traffic.bytesIn - this.#bytesAtCheckpoint >= CHECKPOINT_EVERY_BYTES) {
      void this.checkpoint();
    }
    return appendedAt(baseOffset);
  }

  /** Stores the records of a batch that are no copies. */
  async #storeOnce(
    batch: Uint8Array,
    header: BatchHeader,
    nowMs: number,
    ids: BatchIds,
    known: MessageIds,
  ): Promise<AppendOutcome> {
    const baseOffset = this.log.nextOffset;
    const taken = known.take(ids, baseOffset);
    const { copies } = taken;
    const areAllCopies = copies.size === header.recordCount;
    let isStored = false;
    try {
      // A producer with sequences gets a batch without records, or its next one would be a gap.
      const isNothing = areAllCopies && header.producerId < 0;
      const storing = isNothing
        ? this.#confirmed(-1, newestOf(copies))
        : this.#storeWithout(copies, batch, header, nowMs);
      if (this.log.nextOffset === baseOffset) known.forget(taken);
      const outcome = await storing;
      isStored = outcome.errorCode === ErrorCode.NONE;
      if (!isStored) return outcome;
      this.traffic.duplicatesDropped += copies.size;
      return areAllCopies ? { ...outcome, baseOffset: originalsOf(copies) } : outcome;
    } finally {
      if (!isStored) known.forget(taken);
    }
  }

  #storeWithout(
    copies: TakenIds["copies"],
    batch: Uint8Array,
    header: BatchHeader,
    nowMs: number,
  ): Promise<AppendOutcome> {
    if (copies.size === 0) return this.#store(batch, header, nowMs);
    const rest = dropRecords(batch, header, copies);
    return this.#store(rest, readBatchHeader(rest), nowMs);
  }

  /** Largest epoch at or below `epoch` and where it ends (OffsetForLeaderEpoch). */
  endOfEpoch(epoch: number): { epoch: number; endOffset: number } {
    return this.#state.epochs.endOf(epoch, this.highWatermark);
  }

  /** The epoch that wrote `offset`, -1 when unknown. */
  epochAt(offset: number): number {
    return this.#state.epochs.epochAt(offset);
  }

  /**
   * Calls `wake` after each advance of the high watermark, until the returned function is called;
   * with 0 bytes after the start or the leader epoch has changed.
   */
  onAdvance(wake: Wake): () => void {
    this.#waiters ??= new Set();
    const waiters = this.#waiters.add(wake);
    return () => waiters.delete(wake);
  }

  /** Called by the log after its end has moved. */
  advanced(sizeBytes: number): void {
    if (this.#waiters === null) return;
    for (const wake of this.#waiters) wake(sizeBytes);
  }

  /** Wakes all waiting fetches, because the partition is closed. */
  ended(): void {
    this.advanced(Number.POSITIVE_INFINITY);
  }

  /** See CleaningRun.producers. */
  lastOffsetsOfProducers(): Float64Array {
    return this.#state.producers.lastOffsets();
  }

  /** See CleaningRun.aborted. */
  abortedRanges(): Float64Array {
    return this.#state.producers.abortedRanges();
  }

  /**
   * Call it after a compaction of all before `offset`, with the monotonic time. As in Kafka,
   * aborted transactions are forgotten when an earlier run has removed their records: so long ago
   * that nobody can still be reading them. Not in a replicated log: another broker may read them
   * from a server that lags behind.
   */
  async compacted(offset: number, nowMs: number): Promise<void> {
    if (this.log.keepProducerFiles === undefined) return;
    const { to, atMs } = this.#compacted;
    if (nowMs - atMs < ABORTS_KEPT_MS) return;
    this.#compacted = { to: Math.max(to, offset), atMs: nowMs };
    if (this.#state.forgetAborted(to)) await this.log.keepProducerFiles(this.#state);
  }

  /** Forgets producers that are idle since `before`, ms since the epoch, and expired ids. */
  forgetOld(before: number): void {
    this.#state.producers.expireBefore(before);
    this.#state.producers.forgetAborted(this.log.startOffset);
    this.#state.messageIds?.forgetOld();
  }

  /** Saves a checkpoint, so that opening scans less. A failure only makes that slower. */
  async checkpoint(): Promise<void> {
    if (this.log.failure === null) await this.checkpointedTo().catch(unlessLogError);
  }

  /** Saves a checkpoint of all that is below the offset it resolves to. Rejects with LogError. */
  checkpointedTo(): Promise<number> {
    this.#checkpointing ??= this.#saveCheckpoint().finally(() => {
      this.#checkpointing = null;
    });
    return this.#checkpointing;
  }

  /** Deletes the records below `offset`, at most the end. Rejects with KafkaError. */
  async deleteBefore(offset: number): Promise<void> {
    if (offset <= this.log.startOffset) return;
    await orKafkaError(this.log.deleteBefore(offset));
    this.advanced(0);
  }

  async #saveCheckpoint(): Promise<number> {
    this.#bytesAtCheckpoint = this.traffic.bytesIn;
    return this.#state.save(this.log);
  }

  /** Lets appends in flight finish, saves the checkpoint and closes the log. */
  async close(): Promise<void> {
    await this.#lastAppend.catch(() => {});
    // A checkpoint in progress was begun at an earlier offset.
    await this.#checkpointing?.catch(() => {});
    await this.checkpoint();
    this.ended();
    await this.log.close();
  }

  /**
   * A gap is a fatal error for the producer. So first make sure that no other broker has taken over
   * the log, which may hold the batches that seem to be missing.
   */
  async #refuse(header: BatchHeader, verdict: SequenceRefusal): Promise<AppendOutcome> {
    if (verdict.kind === "out-of-order") {
      try {
        await this.log.confirm?.();
      } catch (error) {
        return failedAppend(error);
      }
    }
    return refusedBatch(header, verdict);
  }

  #answerDuplicate(original: SeenBatch, ids: BatchIds | null): Promise<AppendOutcome> {
    const { baseOffset, lastOffset } = original;
    const copies = ids === null ? undefined : this.#state.messageIds?.find(ids);
    const isEmpty = copies?.size === lastOffset - baseOffset + 1 && newestOf(copies) < baseOffset;
    return this.#confirmed(isEmpty ? originalsOf(copies) : baseOffset, lastOffset);
  }

  /** Answers with `baseOffset` once `lastOffset` is durable. */
  async #confirmed(baseOffset: number, lastOffset: number): Promise<AppendOutcome> {
    if (lastOffset >= this.log.endOffset) {
      try {
        await this.#lastAppend;
      } catch (error) {
        return failedAppend(error);
      }
    }
    return appendedAt(baseOffset);
  }
}

function unlessLogError(error: unknown): void {
  if (!(error instanceof LogError)) throw error;
}
