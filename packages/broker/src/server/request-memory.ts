/** A connection, for RequestMemory. */
export interface MemoryHolder {
  /** Called when there is room again: the connection may ask for admission again. */
  roomAgain(): void;
}

/**
 * Counts the bytes of all requests received and not answered, over all connections, and decides
 * which connections may read when there are too many. Like `queued.max.request.bytes`, except that
 * Kafka reserves the announced length of a frame, and only received bytes are counted here.
 *
 * Invariants:
 * 1. Over the limit, at most one connection that is in the middle of a frame reads on, until that
 *    frame is whole. So the limit is exceeded by one frame at most (plus one chunk of each
 *    connection), and half-read frames of many connections can't block each other for ever.
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

  /** Whether memory is scarce enough to copy frames into memory that can be given back. */
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

  /** Whether `holder` may read on. `midFrame`: it waits only for the rest of a frame. */
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

  /** The connection was closed, or does not want to read. */
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
