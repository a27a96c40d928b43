import { type BatchHeader, ErrorCode, readBatchHeader } from "@tarpan/protocol";
import type { Clock } from "../env/env.ts";
import type { Log, LogId } from "../log/log.ts";
import { LogError } from "../log/log-error.ts";
import { InOrder } from "../util/in-order.ts";
import { goOn, inSlices, type NextTurn } from "../util/next-turn.ts";
import type { BatchIds } from "./batch-ids.ts";
import { dropRecords } from "./drop-records.ts";
import { LeaderEpochs } from "./leader-epochs.ts";
import { CHECKPOINT_EVERY_BYTES } from "./limits.ts";
import { errorCodeOf, orKafkaError } from "./log-failure.ts";
import { type DedupeRules, MessageIds, type TakenIds } from "./message-ids.ts";
import { newestOf, originalsOf } from "./originals.ts";
import { decodeCheckpoint, encodeCheckpoint, UnusableCheckpoint } from "./partition-checkpoint.ts";
import { ProducerStates, type SeenBatch, type SequenceRefusal } from "./producer-states.ts";
import type { Wake } from "./readable-partition.ts";
import { scanBatches } from "./scan.ts";

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
  readonly #nextTurn: NextTurn;
  #epochs = new LeaderEpochs();
  #producers = new ProducerStates();
  /** Null unless the topic has deduplication by message id. */
  #messageIds: MessageIds | null;
  /** Null until a fetch waits: in each of many quiet partitions, an empty set takes memory too. */
  #waiters: Set<Wake> | null = null;
  /** Settles when everything appended so far is durable or has failed. */
  #lastAppend: Promise<unknown> = NOTHING;
  #bytesAtCheckpoint = 0;
  /** The saved checkpoint holds while the log ends here. An empty log needs none. */
  #checkpointOffset = 0;
  #checkpointing: Promise<number> | null = null;

  private constructor(id: LogId, log: Log, nextTurn: NextTurn, messageIds: MessageIds | null) {
    this.id = id;
    this.log = log;
    this.#nextTurn = nextTurn;
    this.#messageIds = messageIds;
  }

  /** Rebuilds producers, epochs and message ids from the checkpoint and the batches after it. */
  static async open(
    id: LogId,
    log: Log,
    leaderEpoch: number,
    nextTurn: NextTurn = goOn,
    messageIds: MessageIds | null = null,
  ): Promise<Partition> {
    const partition = new Partition(id, log, nextTurn, messageIds);
    const from = await partition.#restore();
    await scanBatches(log, from, (header, slice, at) => partition.#replay(header, slice, at));
    partition.lead(leaderEpoch);
    return partition;
  }

  /** Begins a leader epoch (KIP-101), which later batches carry. */
  lead(leaderEpoch: number): void {
    if (leaderEpoch <= this.#leaderEpoch) return;
    this.#leaderEpoch = leaderEpoch;
    this.#epochs.note(leaderEpoch, this.log.nextOffset);
    this.advanced(0);
  }

  get leaderEpoch(): number {
    return this.#leaderEpoch;
  }

  get highWatermark(): number {
    return this.log.endOffset;
  }

  /** One past the last record that read_committed may see. There are no transactions yet. */
  get lastStableOffset(): number {
    return this.log.endOffset;
  }

  /** Producers whose sequences are remembered. */
  get producerCount(): number {
    return this.#producers.count;
  }

  /** Message ids that are remembered, and the memory they take; null when they are not. */
  get messageIds(): Pick<MessageIds, "count" | "sizeBytes"> | null {
    return this.#messageIds;
  }

  /** Obeys the topic's `tarpan.dedupe.*`; null switches deduplication off, and forgets all ids. */
  deduplicate(rules: DedupeRules | null, clock: Clock): void {
    if (rules !== null && this.#messageIds !== null) this.#messageIds.configure(rules);
    if ((rules !== null) === (this.#messageIds !== null)) return;
    this.#messageIds = rules === null ? null : new MessageIds(clock, rules);
    // The saved checkpoint may hold ids that are forgotten now.
    this.#checkpointOffset = -1;
  }

  /**
   * Appends one validated batch with its header. An idempotent batch is checked first: error 45 for
   * a gap, 47 for an old epoch, the original offset for a duplicate. Then records whose message id
   * is known are left out. `nowMs` is the wall clock, so that records with old timestamps do not
   * make their producer look idle.
   */
  append(
    batch: Uint8Array,
    header: BatchHeader,
    nowMs = header.maxTimestamp,
    ids: BatchIds | null = null,
  ): Promise<AppendOutcome> {
    if (header.producerId >= 0) {
      const verdict = this.#producers.validate(header);
      if (verdict.kind === "duplicate") return this.#answerDuplicate(verdict.of, ids);
      if (verdict.kind !== "new") return this.#refuse(header, verdict);
    }
    if (ids === null || this.#messageIds === null) return this.#store(batch, header, nowMs);
    return this.#storeOnce(batch, header, nowMs, ids, this.#messageIds);
  }

  async #store(batch: Uint8Array, header: BatchHeader, nowMs: number): Promise<AppendOutcome> {
    const baseOffset = this.log.nextOffset;
    const append = this.log.append(batch, this.#leaderEpoch);
    const noted =
      header.producerId >= 0
        ? this.#producers.note(header, baseOffset, this.log.endOffset, nowMs)
        : undefined;
    // If it got no offset, earlier appends are not concerned by its failure.
    if (this.log.nextOffset > baseOffset) this.#lastAppend = append;
    this.traffic.bytesIn += batch.byteLength;
    this.traffic.recordsIn += header.recordCount;
    try {
      await append;
    } catch (error) {
      if (noted !== undefined) this.#producers.forget(header.producerId, noted);
      return failed(error);
    }
    if (this.traffic.bytesIn - this.#bytesAtCheckpoint >= CHECKPOINT_EVERY_BYTES) {
      void this.checkpoint();
    }
    return { errorCode: ErrorCode.NONE, baseOffset, message: null };
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
    return this.#epochs.endOf(epoch, this.highWatermark);
  }

  /** The epoch that wrote `offset`, -1 when unknown. */
  epochAt(offset: number): number {
    return this.#epochs.epochAt(offset);
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
    return this.#producers.lastOffsets();
  }

  /** Forgets producers that are idle since `before`, ms since the epoch, and expired ids. */
  forgetOld(before: number): void {
    this.#producers.expireBefore(before);
    this.#messageIds?.forgetOld();
  }

  /** Saves a checkpoint, so that opening scans less. A failure only makes that slower. */
  async checkpoint(): Promise<void> {
    if (this.log.failure === null) await this.checkpointedTo().catch(unlessLogError);
  }

  /** Saves a checkpoint of all that is below the offset it resolves to. Rejects with LogError. */
  async checkpointedTo(): Promise<number> {
    if (this.log.endOffset === this.#checkpointOffset) return this.#checkpointOffset;
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
    const offset = this.log.endOffset;
    const producers = this.#producers.snapshot(offset);
    const epochs = this.#epochs.snapshot(offset);
    const messageIds = this.#messageIds?.snapshot(offset) ?? [];
    const slices: Uint8Array[] = [];
    await inSlices(encodeCheckpoint({ producers, epochs, messageIds }), this.#nextTurn, (slice) => {
      slices.push(slice);
    });
    await this.log.saveCheckpoint(offset, Buffer.concat(slices));
    this.#checkpointOffset = offset;
    return offset;
  }

  /** Loads the checkpoint; resolves to the offset at which the scan must begin. */
  async #restore(): Promise<number> {
    const saved = await this.log.loadCheckpoint();
    if (saved === null) return this.log.startOffset;
    try {
      await inSlices(decodeCheckpoint(saved.state), this.#nextTurn, (slice) => {
        this.#producers.restore(slice.producers);
        this.#epochs.restore(slice.epochs);
        this.#messageIds?.restore(slice.messageIds);
      });
      this.#checkpointOffset = saved.offset;
      return saved.offset;
    } catch (error) {
      if (!(error instanceof UnusableCheckpoint)) throw error;
      this.#producers = new ProducerStates();
      this.#epochs = new LeaderEpochs();
      this.#messageIds?.forgetAll();
      return this.log.startOffset;
    }
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

  #replay(header: BatchHeader, slice: Uint8Array, at: number): void {
    this.#epochs.note(header.leaderEpoch, header.baseOffset);
    if (header.isControl) return;
    this.#messageIds?.replay(slice.subarray(at, at + header.sizeBytes), header);
    if (header.producerId < 0) return;
    this.#producers.note(header, header.baseOffset, this.log.endOffset);
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
        return failed(error);
      }
    }
    return refuse(header, verdict);
  }

  #answerDuplicate(original: SeenBatch, ids: BatchIds | null): Promise<AppendOutcome> {
    const { baseOffset, lastOffset } = original;
    const copies = ids === null ? undefined : this.#messageIds?.find(ids);
    const isEmpty = copies?.size === lastOffset - baseOffset + 1 && newestOf(copies) < baseOffset;
    return this.#confirmed(isEmpty ? originalsOf(copies) : baseOffset, lastOffset);
  }

  /** Answers with `baseOffset` once `lastOffset` is durable. */
  async #confirmed(baseOffset: number, lastOffset: number): Promise<AppendOutcome> {
    if (lastOffset >= this.log.endOffset) {
      try {
        await this.#lastAppend;
      } catch (error) {
        return failed(error);
      }
    }
    return { errorCode: ErrorCode.NONE, baseOffset, message: null };
  }
}

export interface AppendOutcome {
  readonly errorCode: ErrorCode;
  /** -1 with an error, and when no one offset says where the originals of a batch's copies are. */
  readonly baseOffset: number;
  readonly message: string | null;
}

function unlessLogError(error: unknown): void {
  if (!(error instanceof LogError)) throw error;
}

function failed(error: unknown): AppendOutcome {
  const message = error instanceof Error ? error.message : String(error);
  return { errorCode: errorCodeOf(error), baseOffset: -1, message };
}

function refuse(header: BatchHeader, verdict: SequenceRefusal): AppendOutcome {
  const { producerId, producerEpoch } = header;
  if (verdict.kind === "old-epoch") {
    const current = `its current epoch is ${verdict.currentEpoch}`;
    return {
      errorCode: ErrorCode.INVALID_PRODUCER_EPOCH,
      baseOffset: -1,
      message: `producer ${producerId} sent epoch ${producerEpoch}, but ${current}`,
    };
  }
  return {
    errorCode: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
    baseOffset: -1,
    message: `producer ${producerId} sent sequence ${verdict.got} after ${verdict.lastSequence}`,
  };
}
