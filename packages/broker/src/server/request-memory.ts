/** A connection as far as the memory of requests is concerned. */
export interface MemoryHolder {
  /** There is room again: read on if you still want to. */
  roomAgain(): void;
}

/**
 * The bytes of all requests received and not yet answered, over all connections, and who may
 * still read when they are too many. `queued.max.request.bytes`, except that Kafka reserves a
 * frame by its claimed length, and here only bytes that have come are counted.
 *
 * Invariants:
 * 1. Over the limit, at most one connection that is in the middle of a frame reads on, until that
 *    frame is whole. So the limit is exceeded by one frame at most (plus one chunk of each
 *    connection), and half-read frames of many connections can't block each other without an end.
 * 2. A refused connection is notified when there is room, or when rule 1 lets it read on.
 */
export class RequestMemory {
  readonly #limitBytes: number;
  readonly #refused = new Set<MemoryHolder>();
  #favoured: MemoryHolder | null = null;
  #usedBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** So much is held that it is worth a copy to be able to give it back. */
  get crowded(): boolean {
    return this.#usedBytes > this.#limitBytes / 8;
  }

  get full(): boolean {
    return this.#usedBytes > this.#limitBytes;
  }

  add(bytes: number): void {
    this.#usedBytes += bytes;
  }

  release(bytes: number): void {
    this.#usedBytes -= bytes;
    if (this.#refused.size > 0 && !this.full) this.#wakeAll();
  }

  /** May `holder` read on? `midFrame`: it has begun a frame and waits for nothing but its rest. */
  admits(holder: MemoryHolder, midFrame: boolean): boolean {
    if (this.#favoured === holder && !midFrame) this.#pass();
    if (!this.full) return true;
    if (midFrame && (this.#favoured === null || this.#favoured === holder)) {
      this.#favoured = holder;
      return true;
    }
    this.#refused.add(holder);
    return false;
  }

  /** The connection has gone, or wants no more. */
  forget(holder: MemoryHolder): void {
    this.#refused.delete(holder);
    if (this.#favoured === holder) this.#pass();
  }

  #pass(): void {
    this.#favoured = null;
    this.#wakeAll();
  }

  #wakeAll(): void {
    const woken = [...this.#refused];
    this.#refused.clear();
    for (const holder of woken) holder.roomAgain();
  }
}
