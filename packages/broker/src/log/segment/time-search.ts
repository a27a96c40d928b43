import type { LogState } from "./log-state.ts";
import type { Segment } from "./segment.ts";
import type { SegmentIndex } from "./segment-index.ts";
import type { Store } from "./store.ts";

/** Implements ReadableLog.offsetAt. */
export async function offsetAt(
  store: Store,
  state: LogState,
  timestamp: number,
  from: number,
): Promise<number | null> {
  const segments = state.segments.map((segment, i) => ({ segment, end: state.endOfSegment(i) }));
  const { endOffset } = state;
  const startOffset = Math.max(from, state.startOffset);
  if (timestamp > state.maxTimestamp) return null;
  for (const { segment, end } of segments) {
    if (end <= startOffset || (segment.maxTimestamp ?? timestamp) < timestamp) continue;
    const index = await loadTimes(store, state, segment, end);
    if (index.maxTimestamp < timestamp) continue;
    const floor = segment.baseOffset + index.times.floor(timestamp);
    const found = await search(store, segment, Math.max(floor, startOffset), end, timestamp);
    if (found !== null && found < endOffset) return Math.max(found, startOffset);
  }
  return null;
}

/** Loads the index of a segment, and notes the max timestamp if it is sealed. */
export async function loadTimes(
  store: Store,
  state: LogState,
  segment: Segment,
  endOffset: number,
): Promise<SegmentIndex> {
  const index = await segment.loadIndex(store, endOffset, state.options.indexIntervalBytes);
  if (segment !== state.active) {
    segment.maxTimestamp = index.maxTimestamp;
    store.indexes.used(segment);
  }
  return index;
}

/** Base offset of the first batch not before `offset` with a max timestamp >= `timestamp`. */
async function search(
  store: Store,
  segment: Segment,
  offset: number,
  endOffset: number,
  timestamp: number,
): Promise<number | null> {
  const entry = segment.index?.offsets.floor(offset - segment.baseOffset);
  const from = entry
    ? { position: entry.position, offset: null, endOffset }
    : { position: 0, offset: segment.baseOffset, endOffset };
  let found: number | null = null;
  await segment.walk(store, from, (batch) => {
    if (batch.nextOffset <= offset || batch.maxTimestamp < timestamp) return true;
    found = batch.baseOffset;
    return false;
  });
  return found;
}
