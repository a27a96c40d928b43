// Where a log starts: what the checkpoint stream holds about it, and its format.
import { type Block, BlockIndex } from "./block-index.ts";
import type { CompactedPart } from "./compacted-part.ts";
import { BEGINNING, type LogPosition } from "./grammar.ts";
import { SAVED_BLOCKS } from "./limits.ts";

/** Where a log starts; saved before the messages before it are purged. */
export interface LogStart {
  readonly startOffset: number;
  /** The position after the purged messages. */
  readonly position: LogPosition;
  /** What is left of the purged messages at or after `startOffset`; null when nothing is. */
  readonly compacted: CompactedPart | null;
}

export const UNMOVED: LogStart = { startOffset: 0, position: BEGINNING, compacted: null };

/** Format 1 has no compacted part. It is still written where there is none. */
const UNCOMPACTED_FORMAT = 1;
const FORMAT = 2;

type SavedBlock = [
  firstSequence: number,
  firstOffset: number,
  maxTimestamp: number,
  newestMs: number,
  sizeBytes: number,
  messages: number,
];

interface SavedStart extends Omit<LogStart, "compacted"> {
  readonly format: number;
  readonly compacted?: Omit<CompactedPart, "index"> & { readonly blocks: readonly SavedBlock[] };
}

/**
 * The later one of two starts, when two brokers have moved it at the same time. Whoever purged
 * more messages knows what is left of them.
 */
export function laterStart(a: LogStart, b: LogStart): LogStart {
  const startOffset = Math.max(a.startOffset, b.startOffset);
  const { position, compacted } = a.position.sequence >= b.position.sequence ? a : b;
  const isNeeded = compacted !== null && compacted.endOffset > startOffset;
  return { startOffset, position, compacted: isNeeded ? compacted : null };
}

/** Whether `a` was saved after `b`. Of two saved starts, the later one has no earlier place. */
export function isLaterStart(a: LogStart, b: LogStart): boolean {
  return a.startOffset > b.startOffset || a.position.sequence > b.position.sequence;
}

export function encodeStart({ startOffset, position, compacted }: LogStart): Uint8Array {
  const format = compacted === null ? UNCOMPACTED_FORMAT : FORMAT;
  const saved: SavedStart = { format, startOffset, position, ...(compacted && saving(compacted)) };
  return new TextEncoder().encode(JSON.stringify(saved));
}

function saving({ run, endOffset, endSequence, index }: CompactedPart) {
  const blocks = index.compact(SAVED_BLOCKS).map((block): SavedBlock => {
    const { firstSequence, firstOffset, maxTimestamp, newestMs, sizeBytes, messages } = block;
    return [firstSequence, firstOffset, maxTimestamp, newestMs, sizeBytes, messages];
  });
  return { compacted: { run, endOffset, endSequence, blocks } };
}

/** Null for an unknown format. */
export function decodeStart(bytes: Uint8Array): LogStart | null {
  const saved = parse(bytes);
  if (saved?.format !== UNCOMPACTED_FORMAT && saved?.format !== FORMAT) return null;
  const { startOffset, position, compacted } = saved;
  if (compacted === undefined) return { startOffset, position, compacted: null };
  const { run, endOffset, endSequence, blocks } = compacted;
  const index = new BlockIndex(blocks.map(blockOf));
  return { startOffset, position, compacted: { run, endOffset, endSequence, index } };
}

function blockOf(saved: SavedBlock): Block {
  const [firstSequence, firstOffset, maxTimestamp, newestMs, sizeBytes, messages] = saved;
  return { firstSequence, firstOffset, maxTimestamp, newestMs, sizeBytes, messages };
}

function parse(bytes: Uint8Array): SavedStart | null {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as SavedStart;
  } catch {
    return null;
  }
}
