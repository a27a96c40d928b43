import { type BatchHeader, readBatchHeader, readEndTransaction } from "@tarpan/protocol";
import type { Clock } from "../env/env.ts";
import type { Log, ProducerHistory, ReadableLog } from "../log/log.ts";
import { inSlices, type NextTurn } from "../util/next-turn.ts";
import type { AbortedTransaction } from "./aborted-transactions.ts";
import { LeaderEpochs } from "./leader-epochs.ts";
import { type DedupeRules, MessageIds } from "./message-ids.ts";
import { decodeCheckpoint, encodeCheckpoint, UnusableCheckpoint } from "./partition-checkpoint.ts";
import { encodeProducerSnapshot, isProducerSnapshot } from "./producer-snapshot.ts";
import { ProducerStates } from "./producer-states.ts";
import { scanBatches } from "./scan.ts";
import { encodeTransactionIndex, entriesFrom } from "./transaction-index.ts";

/** What a partition knows beside its log. All of it follows from the log's batches. */
export class PartitionState implements ProducerHistory {
  epochs = new LeaderEpochs();
  producers = new ProducerStates();
  /** Null unless the topic has deduplication by message id. */
  messageIds: MessageIds | null;
  readonly #nextTurn: NextTurn;
  #replayedTo = 0;
  /**
   * Of the saved checkpoint, which says the same as long as the log ends there; 0 for none, as an
   * empty log has nothing to save.
   */
  #savedTo = 0;

  constructor(nextTurn: NextTurn, messageIds: MessageIds | null) {
    this.#nextTurn = nextTurn;
    this.messageIds = messageIds;
  }

  /** All batches before it are in this state. */
  get replayedTo(): number {
    return this.#replayedTo;
  }

  /** Rebuilds it from the log's checkpoint and the batches after that. */
  async load(log: ReadableLog): Promise<void> {
    this.#replayedTo = await this.#restore(log);
    await this.replay(log);
  }

  /** Follows the batches up to the end of the log, all of which are durable. */
  async replay(log: ReadableLog): Promise<void> {
    this.#replayedTo = await scanBatches(log, this.#replayedTo, (header, slice, at) => {
      this.epochs.note(header.leaderEpoch, header.baseOffset);
      if (header.isControl) this.#replayControl(header, slice, at);
      else this.#replayRecords(header, slice, at, log.endOffset);
      this.#replayedTo = header.lastOffset + 1;
    });
    this.producers.settle(this.#replayedTo);
  }

  #replayRecords(header: BatchHeader, slice: Uint8Array, at: number, durableEnd: number): void {
    if (!header.isTransactional) {
      this.messageIds?.replay(slice.subarray(at, at + header.sizeBytes), header);
    }
    if (header.producerId < 0) return;
    this.producers.note(header, header.baseOffset, durableEnd);
  }

  #replayControl(header: BatchHeader, slice: Uint8Array, at: number): void {
    const marker = readEndTransaction(slice, at, header);
    if (marker === null) return;
    const { producerId, producerEpoch, baseOffset, maxTimestamp: timestamp } = header;
    const fields = { ...marker, producerId, producerEpoch, timestamp };
    this.producers.noteMarker(fields, baseOffset, baseOffset);
  }

  /** The aborted transactions that readers of these batches, from `offset` on, must know. */
  abortedIn(records: readonly Uint8Array[], offset: number): readonly AbortedTransaction[] {
    if (this.producers.abortedCount === 0 || records.length === 0) return NOTHING;
    return [...this.producers.abortedBetween(offset, endOffsetOf(records))];
  }

  get hasProducers(): boolean {
    return this.producers.count > 0;
  }

  snapshot(offset: number): Promise<Uint8Array> {
    return encodeProducerSnapshot(this.producers.describeAt(offset), this.#nextTurn);
  }

  isSnapshot(bytes: Uint8Array): boolean {
    return isProducerSnapshot(bytes);
  }

  transactionIndex(from: number, to: number): Uint8Array | null {
    const aborted = this.producers.abortsBetween(from, to);
    return aborted.length === 0 ? null : encodeTransactionIndex(aborted);
  }

  isTransactionIndex(bytes: Uint8Array, from: number, to: number): boolean {
    const expected = encodeTransactionIndex(this.producers.abortsBetween(from, to));
    return Buffer.compare(entriesFrom(bytes, from), expected) === 0;
  }

  /** Forgets transactions that were aborted before `offset`. Returns whether there were any. */
  forgetAborted(offset: number): boolean {
    const hadAny = this.producers.forgetAborted(offset);
    // The saved checkpoint holds them.
    if (hadAny) this.#savedTo = -1;
    return hadAny;
  }

  /** Obeys the topic's `tarpan.dedupe.*`; null switches deduplication off, and forgets all ids. */
  deduplicate(rules: DedupeRules | null, clock: Clock): void {
    if (rules !== null && this.messageIds !== null) this.messageIds.configure(rules);
    if ((rules !== null) === (this.messageIds !== null)) return;
    this.messageIds = rules === null ? null : new MessageIds(clock, rules);
    // The saved checkpoint may hold ids that are forgotten now.
    this.#savedTo = -1;
  }

  /** Saves a checkpoint for `load` of all that is below the offset it resolves to. */
  async save(log: Log): Promise<number> {
    const offset = log.endOffset;
    if (offset === this.#savedTo) return offset;
    await log.saveCheckpoint(offset, await this.#encode(offset));
    this.#savedTo = offset;
    return offset;
  }

  async #encode(offset: number): Promise<Uint8Array> {
    const checkpoint = {
      ...this.producers.snapshot(offset),
      epochs: this.epochs.snapshot(offset),
      messageIds: this.messageIds?.snapshot(offset) ?? [],
    };
    const slices: Uint8Array[] = [];
    await inSlices(encodeCheckpoint(checkpoint), this.#nextTurn, (slice) => {
      slices.push(slice);
    });
    return Buffer.concat(slices);
  }

  /** Loads the checkpoint; resolves to the offset at which the scan must begin. */
  async #restore(log: ReadableLog): Promise<number> {
    const saved = await log.loadCheckpoint();
    if (saved === null) return log.startOffset;
    try {
      await inSlices(decodeCheckpoint(saved.state), this.#nextTurn, (slice) => {
        this.producers.restore(slice);
        this.epochs.restore(slice.epochs);
        this.messageIds?.restore(slice.messageIds);
      });
      this.#savedTo = saved.offset;
      return saved.offset;
    } catch (error) {
      if (!(error instanceof UnusableCheckpoint)) throw error;
      this.producers = new ProducerStates();
      this.epochs = new LeaderEpochs();
      this.messageIds?.forgetAll();
      return log.startOffset;
    }
  }
}

const NOTHING: readonly never[] = [];

/** One past the last offset of whole batches. */
function endOffsetOf(slices: readonly Uint8Array[]): number {
  const last = slices[slices.length - 1]!;
  let at = 0;
  for (;;) {
    const { sizeBytes, lastOffset } = readBatchHeader(last, at);
    at += sizeBytes;
    if (at >= last.byteLength) return lastOffset + 1;
  }
}
