export interface OpenTransaction {
  readonly producerId: number;
  /** Of its first record. */
  readonly firstOffset: number;
}

interface Ongoing extends OpenTransaction {
  /** Null if it began before this broker opened the partition. */
  readonly transactionalId: string | null;
}

/** A transaction whose marker may not be durable yet. */
interface Ended extends Ongoing {
  readonly markerOffset: number;
}

/**
 * The undecided transactions of a partition: readers of committed records stop before the first
 * record of the oldest one.
 */
export class OpenTransactions {
  /** By producer id, in the order of their first offsets. */
  #ongoing = new Map<number, Ongoing>();
  /** In the order of their markers. */
  readonly #ended: Ended[] = [];

  get count(): number {
    return this.#ongoing.size;
  }

  /** Of the ongoing ones. */
  producerIds(): Iterable<number> {
    return this.#ongoing.keys();
  }

  /** The offset of its first record, if the producer has an ongoing transaction. */
  firstOffsetOf(producerId: number): number | undefined {
    return this.#ongoing.get(producerId)?.firstOffset;
  }

  begin(producerId: number, firstOffset: number, transactionalId: string | null = null): void {
    this.#ongoing.set(producerId, { producerId, firstOffset, transactionalId });
  }

  /** The batch that began it was not appended. */
  undoBegin(producerId: number, firstOffset: number): void {
    if (this.firstOffsetOf(producerId) === firstOffset) this.#ongoing.delete(producerId);
    this.#takeEnded((one) => one.producerId === producerId && one.firstOffset === firstOffset);
  }

  end(producerId: number, markerOffset: number): void {
    const ended = this.#ongoing.get(producerId)!;
    this.#ongoing.delete(producerId);
    this.#ended.push({ ...ended, markerOffset });
  }

  /** The marker at this offset was not appended, and so nothing after it. */
  undoEnd(producerId: number, markerOffset: number): void {
    const ended = this.#takeEnded((one) => {
      return one.producerId === producerId && one.markerOffset === markerOffset;
    });
    if (ended === undefined) return;
    const { firstOffset, transactionalId } = ended;
    this.begin(producerId, firstOffset, transactionalId);
    const byOffset = [...this.#ongoing].sort(([, a], [, b]) => a.firstOffset - b.firstOffset);
    this.#ongoing = new Map(byOffset);
  }

  /** Forgets those whose markers are before `durableEnd`. Returns whether there were any. */
  settle(durableEnd: number): boolean {
    let settled = 0;
    while (settled < this.#ended.length && this.#ended[settled]!.markerOffset < durableEnd) {
      settled++;
    }
    if (settled > 0) this.#ended.splice(0, settled);
    return settled > 0;
  }

  /** Where the first undecided one begins: markers from `durableEnd` on do not count yet. */
  firstUndecided(durableEnd: number): number | undefined {
    let first = this.firstOngoing();
    for (const { firstOffset, markerOffset } of this.#ended) {
      if (markerOffset < durableEnd) continue;
      if (first === undefined || firstOffset < first) first = firstOffset;
    }
    return first;
  }

  /** Where the oldest one without a marker begins. */
  firstOngoing(): number | undefined {
    return this.oldestOngoing()?.firstOffset;
  }

  oldestOngoing(): Ongoing | undefined {
    if (this.#ongoing.size === 0) return undefined;
    return this.#ongoing.values().next().value;
  }

  /** Those that had begun and not ended at `offset`. */
  snapshot(offset: number): OpenTransaction[] {
    const open: OpenTransaction[] = [];
    for (const { producerId, firstOffset } of this.#ongoing.values()) {
      if (firstOffset < offset) open.push({ producerId, firstOffset });
    }
    for (const { producerId, firstOffset, markerOffset } of this.#ended) {
      if (markerOffset >= offset && firstOffset < offset) open.push({ producerId, firstOffset });
    }
    return open.sort((a, b) => a.firstOffset - b.firstOffset);
  }

  #takeEnded(isWanted: (ended: Ended) => boolean): Ended | undefined {
    const at = this.#ended.findIndex(isWanted);
    return at === -1 ? undefined : this.#ended.splice(at, 1)[0];
  }
}
