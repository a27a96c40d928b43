// Reads the next stretch of a segment before a reader asks for it, and keeps it for that reader.
//
// 1. The bound holds for all logs of an engine. When it is reached, nothing more is read ahead:
//    pushing out what another reader will ask for next would only double the work of both.
// 2. A stretch is used once. One that no reader has asked for is dropped after one to two times
//    READ_AHEAD_KEPT_MS.
import type { Timers } from "../../env/env.ts";
import { READ_AHEAD_BYTES, READ_AHEAD_KEPT_MS } from "../limits.ts";
import type { Found } from "./collect-batches.ts";

/** What was read ahead; its read may still be in progress. */
export interface AheadRead {
  readonly sizeBytes: number;
  /**
   * Null once it was taken or dropped. Resolves to null when the read failed: the reader then reads
   * itself, and meets the failure.
   */
  found: Promise<Found | null> | null;
  isReading: boolean;
  isOld: boolean;
}

export class ReadAhead {
  readonly #timers: Timers;
  readonly #limitBytes: number;
  readonly #held = new Set<AheadRead>();
  #heldBytes = 0;
  #isSweepArmed = false;

  constructor(timers: Timers, limitBytes = READ_AHEAD_BYTES) {
    this.#timers = timers;
    this.#limitBytes = limitBytes;
  }

  /** Bytes read ahead and not asked for yet, reads in progress included. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Begins a read of at most `sizeBytes`; null when the bound leaves no room for it. */
  begin(sizeBytes: number, read: () => Promise<Found>): AheadRead | null {
    if (this.#heldBytes + sizeBytes > this.#limitBytes) return null;
    this.#heldBytes += sizeBytes;
    const found = read()
      .catch(() => null)
      .finally(() => this.#ended(ahead));
    const ahead: AheadRead = { sizeBytes, found, isReading: true, isOld: false };
    this.#held.add(ahead);
    this.#armSweep();
    return ahead;
  }

  /** Hands it to its reader. Null when it was dropped already. */
  take(ahead: AheadRead): Promise<Found | null> | null {
    const { found } = ahead;
    this.drop(ahead);
    return found;
  }

  drop(ahead: AheadRead): void {
    ahead.found = null;
    if (this.#held.delete(ahead) && !ahead.isReading) this.#heldBytes -= ahead.sizeBytes;
  }

  #ended(ahead: AheadRead): void {
    ahead.isReading = false;
    if (!this.#held.has(ahead)) this.#heldBytes -= ahead.sizeBytes;
  }

  #armSweep(): void {
    if (this.#isSweepArmed) return;
    this.#isSweepArmed = true;
    this.#timers.after(READ_AHEAD_KEPT_MS, () => this.#sweep());
  }

  #sweep(): void {
    this.#isSweepArmed = false;
    for (const ahead of this.#held) {
      if (ahead.isOld) this.drop(ahead);
      else ahead.isOld = true;
    }
    if (this.#held.size > 0) this.#armSweep();
  }
}
