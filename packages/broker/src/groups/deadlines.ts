import type { Step } from "./operation.ts";

/**
 * Everything one shard waits for. Soft state: never recorded, armed again on load.
 *
 * Invariant: every deadline has an entry in the heap that is due no later than it. Moving one
 * further away, as every heartbeat does, therefore touches only the map.
 */
export class Deadlines {
  readonly #byId = new Map<string, Deadline>();
  readonly #heap: { dueMs: number; id: string }[] = [];

  /** Replaces the deadline of that id, if there is one. `dueMs` is monotonic time. */
  set(id: string, dueMs: number, step: Step): void {
    const known = this.#byId.get(id);
    const heapMs = known === undefined ? Number.POSITIVE_INFINITY : known.heapMs;
    this.#byId.set(id, { dueMs, step, heapMs: Math.min(heapMs, dueMs) });
    if (dueMs < heapMs) this.#push({ dueMs, id });
  }

  clear(id: string): void {
    this.#byId.delete(id);
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  get count(): number {
    return this.#byId.size;
  }

  /** When to look again; nothing is due before. */
  get nextMs(): number | undefined {
    return this.#heap[0]?.dueMs;
  }

  /**
   * Takes out what is due, the earliest first, one at a time: a step may clear or move what would
   * have been due next.
   */
  *takeDue(nowMs: number): Generator<Step, void, void> {
    for (let top = this.#heap[0]; top !== undefined && top.dueMs <= nowMs; top = this.#heap[0]) {
      this.#pop();
      const deadline = this.#byId.get(top.id);
      // Cleared, or set anew since: a later entry of the heap speaks for it.
      if (deadline === undefined || deadline.heapMs !== top.dueMs) continue;
      if (deadline.dueMs <= nowMs) {
        this.#byId.delete(top.id);
        yield deadline.step;
      } else {
        deadline.heapMs = deadline.dueMs;
        this.#push({ dueMs: deadline.dueMs, id: top.id });
      }
    }
  }

  #push(entry: { dueMs: number; id: string }): void {
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

interface Deadline {
  readonly dueMs: number;
  readonly step: Step;
  /** Of this deadline's entry in the heap. */
  heapMs: number;
}
