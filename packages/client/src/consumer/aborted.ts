import { type DecodedBatch, readEndTransaction } from "@tarpan/protocol";

interface AbortedTransaction {
  readonly producerId: number;
  /** The transaction's first offset in the partition. */
  readonly firstOffset: number;
}

/**
 * The aborted transactions of one Fetch response (KIP-98). A broker sends their records too: the
 * reader leaves out a producer's transactional batches from the transaction's first offset to its
 * abort marker.
 */
export class Aborted {
  /** By first offset, the first one last. */
  readonly #ahead: AbortedTransaction[];
  /** Producers whose transaction has begun and not ended before the batch that was seen last. */
  readonly #producers = new Set<number>();

  constructor(transactions: readonly AbortedTransaction[]) {
    this.#ahead = transactions.toSorted((a, b) => b.firstOffset - a.firstOffset);
  }

  /** Whether the batch was aborted. Must be asked of each batch, in the order of offsets. */
  skips({ header, bytes }: DecodedBatch): boolean {
    for (let next = this.#ahead.at(-1); next !== undefined; next = this.#ahead.at(-1)) {
      if (next.firstOffset > header.lastOffset) break;
      this.#producers.add(next.producerId);
      this.#ahead.pop();
    }
    if (!header.isTransactional || !this.#producers.has(header.producerId)) return false;
    if (!header.isControl) return true;
    if (readEndTransaction(bytes, 0, header)?.isCommit === false)
      this.#producers.delete(header.producerId);
    return false;
  }
}
