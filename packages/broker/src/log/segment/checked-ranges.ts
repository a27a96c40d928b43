import { CHECKED_KEPT_MS, CHECKED_RANGES_MAX } from "../limits.ts";

/** From a batch's first byte to one past the last byte of the same batch or a later one. */
interface Range {
  from: number;
  to: number;
}

/**
 * The bytes of a segment whose batches were read and had the right CRC not long ago. They are most
 * likely in the page cache still, so that a bit which the disk has changed since can't be seen yet:
 * the next reader gets them without a check.
 *
 * A range is forgotten after one to two times CHECKED_KEPT_MS. With very many of them new ones are
 * not noted: their batches are checked again.
 */
export class CheckedRanges {
  #ranges: Range[] = [];
  #older: readonly Range[] = [];
  #sinceMs = 0;

  covers(from: number, to: number, nowMs: number): boolean {
    this.#forget(nowMs);
    return isWithin(this.#ranges, from, to) || isWithin(this.#older, from, to);
  }

  add(from: number, to: number, nowMs: number): void {
    this.#forget(nowMs);
    const ranges = this.#ranges;
    const touched = ranges.findIndex((range) => range.to >= from);
    if (touched === -1 || ranges[touched]!.from > to) {
      if (ranges.length >= CHECKED_RANGES_MAX) return;
      ranges.splice(touched === -1 ? ranges.length : touched, 0, { from, to });
      return;
    }
    const joined = ranges[touched]!;
    joined.from = Math.min(joined.from, from);
    joined.to = Math.max(joined.to, to);
    while (touched + 1 < ranges.length && ranges[touched + 1]!.from <= joined.to) {
      joined.to = Math.max(joined.to, ranges.splice(touched + 1, 1)[0]!.to);
    }
  }

  #forget(nowMs: number): void {
    const passedMs = nowMs - this.#sinceMs;
    if (passedMs < CHECKED_KEPT_MS) return;
    this.#older = passedMs < 2 * CHECKED_KEPT_MS ? this.#ranges : [];
    this.#ranges = [];
    this.#sinceMs = nowMs;
  }
}

function isWithin(ranges: readonly Range[], from: number, to: number): boolean {
  return ranges.some((range) => range.from <= from && to <= range.to);
}
