import { getHeapStatistics, setFlagsFromString } from "node:v8";

/** What may be allocated between two full collections, while the heap is small. */
const ROOM_BYTES = 64 * 1024 * 1024;
/** A larger heap may grow to four times its size, which is the most that V8 itself allows. */
const LEAST_PERCENT = 300;
const REVIEW_MS = 10_000;

/**
 * Keeps full garbage collections rare while batches pass through a small heap (ADR 52).
 *
 * V8 begins one when objects and buffers have grown by a share of the live heap. A broker's is some
 * 12 MB, so it collected after each 9 MB of batches, although a scavenge frees their buffers too.
 * Sets flags of the whole process: not for a broker inside of somebody else's.
 */
export function collectLessOften(): void {
  // V8 13 (Node.js 24) has a limit of its own for buffers, until this flag joins the two.
  if (process.versions.v8.startsWith("13.")) {
    setFlagsFromString("--external-memory-accounted-in-global-limit");
  }
  review();
  setInterval(review, REVIEW_MS).unref();
}

/** V8 reads the flag at the end of each full collection. */
function review(): void {
  const percent = (ROOM_BYTES / getHeapStatistics().used_heap_size) * 100;
  const atLeast = Math.max(LEAST_PERCENT, Math.round(percent));
  setFlagsFromString(`--heap-growing-percent=${atLeast}`);
}
