// The partitions of a fetch session in which nothing happens. An incremental fetch passes over
// them, and waits for all of them with subscriptions that stay: it costs as much as has changed.
//
// 1. A quiet partition is led here, the consumer has read it to its end, and its last response told
//    the offsets that it still has.
// 2. It is loud again once it has advanced, was closed or moved away, got another leader epoch or
//    start, or the consumer asks for another offset. Changes without an event (retention moved the
//    start, the log failed) are looked for every QUIET_CHECK_MS.
// 3. A session that is not used costs each of its partitions one event: only while a fetch waits
//    does a subscription outlive it.
import type { Partition } from "../partition/partition.ts";
import type { Wake } from "../partition/readable-partition.ts";
import { QUIET_CHECK_MS } from "./limits.ts";

interface Quiet {
  readonly partition: Partition;
  readonly logStartOffset: number;
  hasAdvanced: boolean;
  readonly unsubscribe: () => void;
}

/** `P` is a partition as its session knows it. */
export class QuietPartitions<P> {
  readonly #quiet = new Map<P, Quiet>();
  /** All others, in the order in which they get their turn. */
  readonly #loud: Set<P>;
  /** Quiet until the next look at `loud`. */
  #advanced: P[] = [];
  readonly #waiting = new Set<Wake>();
  #events = 0;
  #checkedAtMs: number;

  constructor(loud: Iterable<P>, nowMs: number) {
    this.#loud = new Set(loud);
    this.#checkedAtMs = nowMs;
  }

  get count(): number {
    return this.#quiet.size;
  }

  /** Events of quiet partitions so far: a fetch compares it to notice those before its wait. */
  get events(): number {
    return this.#events;
  }

  /** The partitions that a fetch has to look at. */
  loud(): readonly P[] {
    for (const wanted of this.#advanced) if (this.#quiet.has(wanted)) this.makeLoud(wanted);
    this.#advanced = [];
    return [...this.#loud];
  }

  makeLoud(wanted: P): void {
    this.#unsubscribe(wanted);
    this.#loud.add(wanted);
  }

  makeQuiet(wanted: P, partition: Partition): void {
    const unsubscribe = partition.onAdvance((sizeBytes) => {
      this.#events += 1;
      if (this.#waiting.size === 0) this.makeLoud(wanted);
      else if (!quiet.hasAdvanced) this.#advanced.push(wanted);
      quiet.hasAdvanced = true;
      for (const wake of this.#waiting) wake(sizeBytes);
    });
    const logStartOffset = partition.log.startOffset;
    const quiet: Quiet = { partition, logStartOffset, hasAdvanced: false, unsubscribe };
    this.#loud.delete(wanted);
    this.#quiet.set(wanted, quiet);
  }

  /** Gives the others their turn before this one. */
  moveToEnd(wanted: P): void {
    if (this.#loud.delete(wanted)) this.#loud.add(wanted);
  }

  forget(wanted: P): void {
    this.#unsubscribe(wanted);
    this.#loud.delete(wanted);
  }

  /** Call it with each request. */
  check(nowMs: number): void {
    if (nowMs - this.#checkedAtMs < QUIET_CHECK_MS) return;
    this.#checkedAtMs = nowMs;
    for (const [wanted, { partition, logStartOffset }] of this.#quiet) {
      const { startOffset, failure } = partition.log;
      if (startOffset !== logStartOffset || failure !== null) this.makeLoud(wanted);
    }
  }

  /** Call it when the session has ended. */
  clear(): void {
    for (const { unsubscribe } of this.#quiet.values()) unsubscribe();
    this.#quiet.clear();
    this.#loud.clear();
  }

  /** Calls `wake` as Partition.onAdvance does, for all that are quiet when the wait begins. */
  onAdvance(wake: Wake): () => void {
    this.#waiting.add(wake);
    return () => this.#waiting.delete(wake);
  }

  #unsubscribe(wanted: P): void {
    this.#quiet.get(wanted)?.unsubscribe();
    this.#quiet.delete(wanted);
  }
}
