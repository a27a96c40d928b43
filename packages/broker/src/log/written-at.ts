// When the parts of a log were last written. Retention counts from there if the records' timestamps
// are later, or if they have none.

export interface WrittenPart {
  /** Of the last write, wall clock, ms. */
  writtenAtMs: number;
}

/**
 * Call it with all parts, oldest first, when one is written. Parts that seem to have been written
 * later were written while the clock was wrong.
 */
export function correctWrittenAt(parts: readonly WrittenPart[], nowMs: number): void {
  for (let i = parts.length - 1; i >= 0 && parts[i]!.writtenAtMs > nowMs; i--) {
    parts[i]!.writtenAtMs = nowMs;
  }
}

/** See LogSegment.newestMs. */
export function newestMsOf(maxTimestamp: number, { writtenAtMs }: WrittenPart): number {
  return maxTimestamp < 0 ? writtenAtMs : Math.min(maxTimestamp, writtenAtMs);
}
