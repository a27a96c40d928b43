import { MIN_STALE_DEADLINES } from "./limits.ts";

/** What tells one deadline from another. */
export interface Keyed {
  readonly key: string;
}

/**
 * Everything one shard waits for, as data. Soft state: never recorded, armed again on load.
 *
 * Invariants:
 * 1. Every deadline has an entry in the heap that is due no later than it. Moving one further
 *    away, as every heartbeat does, therefore touches only the map, and allocates nothing.
 * 2. The heap holds at most twice as many entries as there are deadlines, and a few.
 */
export class Deadlines<Timer extends Keyed> {
  readonly #byKey = new Map<string, Deadline<Timer>>();
  #heap: Entry[] = [];

  /** Replaces the deadline of that key, if there is one. `dueMs` is monotonic time. */
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

  /** Entries of the heap, those of cleared and moved deadlines among them. */
  get heapSize(): number {
    return this.#heap.length;
  }

  /** When to look again; nothing is due before. */
  get nextMs(): number | undefined {
    return this.#heap[0]?.dueMs;
  }

  /**
   * Takes out what is due, the earliest first, one at a time: what is done about one may clear or
   * move what would have been due next.
   */
  *takeDue(nowMs: number): Generator<Timer, void, void> {
    for (let top = this.#heap[0]; top !== undefined && top.dueMs <= nowMs; top = this.#heap[0]) {
      this.#pop();
      const deadline = this.#byKey.get(top.key);
      // Cleared, or set anew since: a later entry of the heap speaks for it.
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

  /** Cleared deadlines leave their entries behind until these are due, which may be days. */
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
  /** Of this deadline's entry in the heap. */
  heapMs: number;
}
