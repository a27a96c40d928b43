import { type BatchHeader, ErrorCode } from "@tarpan/protocol";
import type { Log, LogId } from "../log/log.ts";
import { LogError } from "../log/log-error.ts";
import { InOrder } from "../util/in-order.ts";
import { goOn, inSlices, type NextTurn } from "../util/next-turn.ts";
import { LeaderEpochs } from "./leader-epochs.ts";
import { CHECKPOINT_EVERY_BYTES } from "./limits.ts";
import { errorCodeOf, orKafkaError } from "./log-failure.ts";
import { decodeCheckpoint, encodeCheckpoint, UnusableCheckpoint } from "./partition-checkpoint.ts";
import { ProducerStates, type SeenBatch, type SequenceRefusal } from "./producer-states.ts";
import type { Wake } from "./readable-partition.ts";
import { scanBatches } from "./scan.ts";

/**
 * Kafka's semantics over one log: idempotent producers, leader epochs, and fetches that wait.
 *
 * Invariants:
 * 1. Nothing is awaited between the sequence check and `log.append`, so that pipelined requests
 *    keep their order and two copies of a batch cannot both count as new.
 * 2. Producer state is ahead of the log only by appends in flight. If one of them fails, its entry
 *    is removed before the producer is answered.
 * 3. A duplicate is acknowledged only when the original batch is durable.
 */
export class Partition {
  readonly id: LogId;
  readonly log: Log;
  /** Traffic since the partition was opened. */
  readonly traffic = { recordsIn: 0, bytesIn: 0, bytesOut: 0 };
  /** Batches that wait to be appended, because one of them is being compressed. */
  readonly compressed = new InOrder();
  #leaderEpoch = -1;
  readonly #nextTurn: NextTurn;
  #epochs = new LeaderEpochs();
  #producers = new ProducerStates();
  readonly #waiters = new Set<Wake>();
  /** Settles when everything appended so far is durable or has failed. */
  #lastAppend: Promise<unknown> = Promise.resolve();
  #bytesAtCheckpoint = 0;
  #checkpointing: Promise<void> | null = null;

  private constructor(id: LogId, log: Log, nextTurn: NextTurn) {
    this.id = id;
    this.log = log;
    this.#nextTurn = nextTurn;
  }

  /** Rebuilds producers and epochs from the log's checkpoint and the batches after it. */
  static async open(
    id: LogId,
    log: Log,
    leaderEpoch: number,
    nextTurn: NextTurn = goOn,
  ): Promise<Partition> {
    const partition = new Partition(id, log, nextTurn);
    const from = await partition.#restore();
    await scanBatches(log, from, (header) => partition.#replay(header));
    partition.lead(leaderEpoch);
    return partition;
  }

  /** Begins a leader epoch (KIP-101), which later batches carry. */
  lead(leaderEpoch: number): void {
    if (leaderEpoch <= this.#leaderEpoch) return;
    this.#leaderEpoch = leaderEpoch;
    this.#epochs.note(leaderEpoch, this.log.nextOffset);
  }

  get leaderEpoch(): number {
    return this.#leaderEpoch;
  }

  get highWatermark(): number {
    return this.log.endOffset;
  }

  /**
   * One past the last record that a read_committed consumer may see. There are no transactions yet.
   */
  get lastStableOffset(): number {
    return this.log.endOffset;
  }

  /** Producers whose sequences are remembered. */
  get producerCount(): number {
    return this.#producers.count;
  }

  /**
   * Appends one validated batch with its header. An idempotent batch is checked first: error 45 for
   * a gap, 47 for an old epoch, the original offset for a duplicate. `nowMs` is the wall clock, so
   * that records with old timestamps do not make their producer look idle.
   */
  async append(
    batch: Uint8Array,
    header: BatchHeader,
    nowMs = header.maxTimestamp,
  ): Promise<AppendOutcome> {
    if (header.producerId >= 0) {
      const verdict = this.#producers.validate(header);
      if (verdict.kind === "duplicate") return this.#answerDuplicate(verdict.of);
      if (verdict.kind !== "new") return this.#refuse(header, verdict);
    }
    const baseOffset = this.log.nextOffset;
    const append = this.log.append(batch, this.#leaderEpoch);
    const noted =
      header.producerId >= 0
        ? this.#producers.note(header, baseOffset, this.log.endOffset, nowMs)
        : undefined;
    this.#lastAppend = append;
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

  /** Largest epoch at or below `epoch` and where it ends (OffsetForLeaderEpoch). */
  endOfEpoch(epoch: number): { epoch: number; endOffset: number } {
    return this.#epochs.endOf(epoch, this.highWatermark);
  }

  /** The epoch that wrote `offset`, -1 when unknown. */
  epochAt(offset: number): number {
    return this.#epochs.epochAt(offset);
  }

  /**
   * Calls `wake` after each advance of the high watermark, until the returned function is called.
   */
  onAdvance(wake: Wake): () => void {
    this.#waiters.add(wake);
    return () => this.#waiters.delete(wake);
  }

  /** Called by the log after its end has moved. */
  advanced(sizeBytes: number): void {
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

  forgetIdleProducers(before: number): void {
    this.#producers.expireBefore(before);
  }

  /**
   * Saves a checkpoint, so that opening scans less. A failure only makes the next opening slower.
   */
  checkpoint(): Promise<void> {
    if (this.log.failure !== null) return Promise.resolve();
    this.#checkpointing ??= this.#saveCheckpoint().finally(() => {
      this.#checkpointing = null;
    });
    return this.#checkpointing;
  }

  /** Deletes the records below `offset`, at most the end. Rejects with KafkaError. */
  async deleteBefore(offset: number): Promise<void> {
    if (offset > this.log.startOffset) await orKafkaError(this.log.deleteBefore(offset));
  }

  async #saveCheckpoint(): Promise<void> {
    this.#bytesAtCheckpoint = this.traffic.bytesIn;
    const offset = this.log.endOffset;
    const producers = this.#producers.snapshot(offset);
    const epochs = this.#epochs.snapshot(offset);
    const slices: Uint8Array[] = [];
    await inSlices(encodeCheckpoint({ producers, epochs }), this.#nextTurn, (slice) => {
      slices.push(slice);
    });
    try {
      await this.log.saveCheckpoint(offset, Buffer.concat(slices));
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
    }
  }

  /** Loads the checkpoint; resolves to the offset at which the scan must begin. */
  async #restore(): Promise<number> {
    const saved = await this.log.loadCheckpoint();
    if (saved === null) return this.log.startOffset;
    try {
      await inSlices(decodeCheckpoint(saved.state), this.#nextTurn, ({ producers, epochs }) => {
        this.#producers.restore(producers);
        this.#epochs.restore(epochs);
      });
      return saved.offset;
    } catch (error) {
      if (!(error instanceof UnusableCheckpoint)) throw error;
      this.#producers = new ProducerStates();
      this.#epochs = new LeaderEpochs();
      return this.log.startOffset;
    }
  }

  /** Lets appends in flight finish, saves the checkpoint and closes the log. */
  async close(): Promise<void> {
    await this.#lastAppend.catch(() => {});
    // A checkpoint in progress was begun at an earlier offset.
    await this.#checkpointing;
    await this.checkpoint();
    this.ended();
    await this.log.close();
  }

  #replay(header: BatchHeader): void {
    this.#epochs.note(header.leaderEpoch, header.baseOffset);
    if (header.producerId < 0 || header.isControl) return;
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

  async #answerDuplicate(original: SeenBatch): Promise<AppendOutcome> {
    if (original.lastOffset >= this.log.endOffset) {
      try {
        await this.#lastAppend;
      } catch (error) {
        return failed(error);
      }
    }
    return { errorCode: ErrorCode.NONE, baseOffset: original.baseOffset, message: null };
  }
}

export interface AppendOutcome {
  readonly errorCode: ErrorCode;
  /** -1 with an error. */
  readonly baseOffset: number;
  readonly message: string | null;
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
