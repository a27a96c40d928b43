// Calls the application's handlers, up to `concurrency` at once.
//
// 1. A lane is in the queue, in one call, or waits elsewhere for a retry: never two of these.
// 2. A record that may have ended the process before (PartitionLanes.carefulUntil) is called only
//    after a commit that says so. If the process ends again, all records that ran then are called
//    alone, and that attempt counts before it begins. So a crash counts for the record that causes
//    it, and for no other.
// 3. A call whose result is ignored keeps its Slot; the next call gets a new one.
import { TimeoutError } from "../errors.ts";
import { BATCH_RECORDS, MAX_FAILED_RECORDS, RUN_SLICE_MS } from "../limits.ts";
import type { ConsumedRecord } from "../record.ts";
import { type Attempts, newAttempts } from "./attempts.ts";
import type { Lane, PartitionLanes } from "./partition-lanes.ts";
import type { RunSettings } from "./run-options.ts";
import { Slot } from "./slot.ts";

export interface CallOwner {
  /** Commits the partition's marks, then calls `start`. */
  mark(partition: PartitionLanes, start: () => void): void;
  /** The record as the handler sees it. */
  shown(record: ConsumedRecord): ConsumedRecord;
  /** Attempts that were made before the record came to this partition. */
  attemptsBefore(record: ConsumedRecord): number;
  succeeded(lane: Lane, count: number): void;
  /** `counted`: the attempt is counted already. */
  failed(lane: Lane, count: number, error: unknown, counted: boolean): void;
  /** The record has used up its attempts in processes that have ended. */
  exhausted(lane: Lane): void;
}

export class HandlerCalls {
  readonly #settings: RunSettings;
  readonly #owner: CallOwner;
  readonly #slots: Slot[];
  readonly #free: Slot[];
  /** Lanes whose head may run and was passed by its partition's `nextLane`. */
  #first: Lane | null = null;
  #last: Lane | null = null;
  /** Partitions with records to begin, in turn. */
  readonly #partitions: PartitionLanes[] = [];
  /** A lane whose record waits until no other call is made. */
  #loner: Lane | null = null;
  #runsAlone = false;
  #pumping = false;
  /** When this turn of the event loop began to call handlers; 0 if it has not. */
  #sliceMs = 0;
  #sliceIsOver = false;
  /** The time, not older than the slice. */
  #nowMs = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(settings: RunSettings, owner: CallOwner) {
    this.#settings = settings;
    this.#owner = owner;
    this.#slots = Array.from({ length: settings.concurrency }, () => this.#newSlot());
    this.#free = [...this.#slots];
    const everyMs = Math.min(1_000, Math.max(5, Math.floor(settings.handlerTimeoutMs / 10)));
    this.#timer = setInterval(() => this.#expire(), everyMs);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** The partition may have records to begin. */
  admitted(partition: PartitionLanes): void {
    if (partition.queued || !partition.hasUnseen) return;
    partition.queued = true;
    this.#partitions.push(partition);
  }

  /** The lane's head may run. */
  ready(lane: Lane): void {
    lane.busy = true;
    if (this.#last === null) this.#first = lane;
    else this.#last.next = lane;
    this.#last = lane;
  }

  /** Lets lanes go on that wait because too many records of their partition have failed. */
  unhold(partition: PartitionLanes): void {
    if (partition.attempts.size >= MAX_FAILED_RECORDS) return;
    for (const lane of partition.held.splice(0)) this.ready(lane);
  }

  /** Starts what may run. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    if (this.#sliceMs === 0) this.#nowMs = performance.now();
    while (this.#free.length > 0 && !this.#runsAlone && !this.#sliceIsOver) {
      const lane = this.#next();
      if (lane === null) break;
      if (lane.partition.leaving) continue;
      this.#begin(lane);
      this.#spend();
    }
    this.#pumping = false;
  }

  /** Gives back what waits for a mark: the partition is given up, so that none will be made. */
  leave(partition: PartitionLanes): void {
    for (const slot of this.#slots) {
      if (slot.lane?.partition !== partition || slot.startedMs > 0) continue;
      if (slot.counted) partition.attempts.get(partition.recordAt(slot.lane.head).offset)!.count--;
      this.#release(slot);
    }
  }

  /** Ignores the results of the partition's calls. */
  abandon(partition: PartitionLanes, reason: Error): void {
    for (const slot of this.#slots)
      if (slot.lane?.partition === partition) this.#giveUp(slot, reason);
    if (this.#loner?.partition === partition) this.#loner = null;
  }

  #newSlot(): Slot {
    return new Slot((slot, failed, error) => this.#settle(slot, failed, error));
  }

  #next(): Lane | null {
    const loner = this.#loner;
    if (loner !== null) {
      if (this.#free.length < this.#slots.length) return null;
      this.#loner = null;
      return loner;
    }
    const lane = this.#first;
    if (lane === null) return this.#nextOfPartitions();
    this.#first = lane.next;
    if (this.#first === null) this.#last = null;
    lane.next = null;
    return lane;
  }

  #nextOfPartitions(): Lane | null {
    for (;;) {
      const partition = this.#partitions.shift();
      if (partition === undefined) return null;
      partition.queued = false;
      const lane = partition.leaving ? null : partition.nextLane();
      if (!partition.leaving) this.admitted(partition);
      if (lane !== null) return lane;
    }
  }

  /** Lets timers and the network have their turn, however fast the handlers are. */
  #spend(): void {
    if (this.#sliceMs === 0) {
      this.#sliceMs = this.#nowMs;
      setImmediate(() => {
        this.#sliceMs = 0;
        this.#sliceIsOver = false;
        this.pump();
      });
    }
    this.#nowMs = performance.now();
    this.#sliceIsOver = this.#nowMs - this.#sliceMs > RUN_SLICE_MS;
  }

  #begin(lane: Lane): void {
    const { partition } = lane;
    lane.busy = true;
    const record = partition.recordAt(lane.head);
    const known = partition.attempts.size > 0 ? partition.attempts.get(record.offset) : undefined;
    const before = (known?.count ?? 0) + this.#owner.attemptsBefore(record);
    if (known !== undefined && before > this.#settings.retry.maxRetries) {
      this.#owner.exhausted(lane);
      return;
    }
    if (known === undefined && partition.attempts.size >= MAX_FAILED_RECORDS) {
      partition.held.push(lane);
      return;
    }
    if (known?.suspect === true && this.#free.length < this.#slots.length) {
      this.#loner = lane;
      return;
    }
    const careful = lane.head < partition.carefulUntil;
    const single = careful || lane.singles > 0 || known !== undefined;
    const records = this.#settings.eachBatch === undefined || single ? 1 : BATCH_RECORDS;
    const slot = this.#free.pop()!;
    slot.take(lane, records, before + 1);
    partition.busy++;
    if (!careful && known?.suspect !== true) {
      this.#call(slot, record);
      return;
    }
    this.#note(partition, record, slot, known ?? newAttempts(Date.now()));
    this.#owner.mark(partition, () => {
      if (slot.lane !== lane) return;
      this.#nowMs = performance.now();
      this.#call(slot, record);
    });
  }

  /** Says in the partition's attempts what is about to run, for the run after a crash. */
  #note(partition: PartitionLanes, record: ConsumedRecord, slot: Slot, attempts: Attempts): void {
    const alone = attempts.suspect || this.#slots.length === 1;
    if (alone) {
      attempts.count++;
      slot.counted = true;
      this.#runsAlone = true;
    }
    attempts.suspect = true;
    attempts.lastError = null;
    partition.attempts.set(record.offset, attempts);
  }

  #call(slot: Slot, record: ConsumedRecord): void {
    const { eachRecord, eachBatch } = this.#settings;
    slot.startedMs = this.#nowMs;
    let result: unknown;
    try {
      if (eachRecord !== undefined) result = eachRecord(this.#owner.shown(record), slot);
      else {
        const records = slot.lane!.partition.headsOf(slot.lane!, slot.count);
        slot.count = records.length;
        result = eachBatch!(
          records.map((each) => this.#owner.shown(each)),
          slot,
        );
      }
      if (isThenable(result) && !(result instanceof Promise)) result = Promise.resolve(result);
    } catch (error) {
      slot.failed(error);
      return;
    }
    if (result instanceof Promise) result.then(slot.succeeded, slot.failed);
    else slot.succeeded();
  }

  #settle(slot: Slot, failed: boolean, error: unknown): void {
    const { lane, count, counted } = slot;
    // Nobody waits for it any more.
    if (lane === null) return;
    this.#release(slot);
    if (failed) this.#owner.failed(lane, count, error, counted);
    else this.#owner.succeeded(lane, count);
    this.pump();
  }

  /** Makes room for another call. */
  #release(slot: Slot): void {
    const { partition } = slot.lane!;
    if (partition.attempts.size > 0) this.#trust(slot);
    partition.busy--;
    this.#runsAlone = false;
    slot.lane = null;
    if (slot.reusable) this.#free.push(slot);
    else {
      const next = this.#newSlot();
      this.#slots[this.#slots.indexOf(slot)] = next;
      this.#free.push(next);
    }
  }

  /** The process has outlived the call. */
  #trust({ lane }: Slot): void {
    const record = lane!.partition.recordAt(lane!.head);
    const known = lane!.partition.attempts.get(record.offset);
    if (known === undefined) return;
    known.suspect = false;
    if (known.count === 0) lane!.partition.attempts.delete(record.offset);
  }

  #giveUp(slot: Slot, reason: Error): void {
    // The handler may ask for the signal later: it must not be the next call's.
    void slot.signal;
    this.#release(slot);
    slot.abandon(reason);
  }

  /** Ends attempts that took too long. */
  #expire(): void {
    const { handlerTimeoutMs } = this.#settings;
    const before = performance.now() - handlerTimeoutMs;
    for (const slot of this.#slots) {
      const { lane, count, counted } = slot;
      if (lane === null || slot.startedMs === 0 || slot.startedMs > before) continue;
      const { topic, partition, offset } = lane.partition.recordAt(lane.head);
      const at = `${topic}-${partition} offset ${offset}`;
      const error = new TimeoutError(
        `${at}: the handler did not end within ${handlerTimeoutMs} ms`,
      );
      this.#giveUp(slot, error);
      this.#owner.failed(lane, count, error, counted);
    }
    this.pump();
  }
}

function isThenable(value: unknown): boolean {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}
