import { MIN_STALE_DEADLINES } from "./limits.ts";

/** Timers with the same key share one deadline. */
export interface Keyed {
  readonly key: string;
}

/**
 * All deadlines of one shard, as data. Soft state: never recorded, armed again when it is loaded.
 *
 * Invariants:
 * 1. Every deadline has an entry in the heap that is due no later than the deadline. To move a
 *    deadline further away, as every heartbeat does, changes only the map and allocates nothing.
 * 2. The heap holds at most two entries per deadline and MIN_STALE_DEADLINES more.
 */
export class Deadlines<Timer extends Keyed> {
  readonly #byKey = new Map<string, Deadline<Timer>>();
  #heap: Entry[] = [];

  /** Replaces the deadline of the same key, if there is one. `dueMs` is monotonic time. */
  set(timer: Timer, dueMs: number): void {
    const known = this.#byKey.get(timer.key);
    if (known === undefined) {
      this.#byKey.set(timer.key, { timer, dueMs, heapMs: dueMs });
    } else {
      known.timer = timer;
      known.dueMs = dueMs;
      if (dueMs >= known.heapMs) return;
      known.heapMs = dueMs;
    }
    this.#push({ dueMs, key: timer.key });
    this.#compact();
  }

  clear(key: string): void {
    this.#byKey.delete(key);
  }

  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  get count(): number {
    return this.#byKey.size;
  }

  /** Entries of the heap, including those that cleared and moved deadlines left behind. */
  get heapSize(): number {
    return this.#heap.length;
  }

  /** Monotonic ms: no deadline is due before. It may be early, when a deadline moved away. */
  get nextMs(): number | undefined {
    return this.#heap[0]?.dueMs;
  }

  /**
   * Removes and yields the timers that are due, the earliest first. The caller may clear or move
   * other deadlines in between.
   */
  *takeDue(nowMs: number): Generator<Timer, void, void> {
    for (let top = this.#heap[0]; top !== undefined && top.dueMs <= nowMs; top = this.#heap[0]) {
      this.#pop();
      const deadline = this.#byKey.get(top.key);
      // A stale entry: the deadline was cleared, or has another entry in the heap.
      if (deadline === undefined || deadline.heapMs !== top.dueMs) continue;
      if (deadline.dueMs <= nowMs) {
        this.#byKey.delete(top.key);
        yield deadline.timer;
      } else {
        deadline.heapMs = deadline.dueMs;
        this.#push({ dueMs: deadline.dueMs, key: top.key });
      }
    }
  }

  /** Rebuilds a mostly stale heap: a cleared deadline leaves its entry until that is due. */
  #compact(): void {
    if (this.#heap.length <= 2 * this.#byKey.size + MIN_STALE_DEADLINES) return;
    this.#heap = [];
    for (const [key, deadline] of this.#byKey) {
      deadline.heapMs = deadline.dueMs;
      this.#push({ dueMs: deadline.dueMs, key });
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (heap[parent]!.dueMs <= entry.dueMs) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.dueMs < heap[child]!.dueMs) child++;
      if (heap[child]!.dueMs >= last.dueMs) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

interface Entry {
  readonly dueMs: number;
  readonly key: string;
}

interface Deadline<Timer> {
  timer: Timer;
  dueMs: number;
  /** `dueMs` of this deadline's entry in the heap. */
  heapMs: number;
}
