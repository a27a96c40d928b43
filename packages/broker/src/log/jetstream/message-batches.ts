// The batches of one message: those appended while the previous message was in flight.
import { crc32c } from "@tarpan/codecs";
import {
  BATCH_OVERHEAD,
  baseOffsetAt,
  batchCrcMatches,
  batchSizeAt,
  maxTimestampAt,
  nextOffsetAt,
  viewOf,
} from "@tarpan/protocol";

export interface MessageBatch {
  readonly baseOffset: number;
  readonly nextOffset: number;
  /** Views of the message. */
  readonly bytes: Uint8Array;
}

/** The offsets that a message must hold, by its message id. */
interface OffsetRange {
  readonly baseOffset: number;
  readonly nextOffset: number;
}

/**
 * Splits a message by the batches' headers, including damaged batches. After an invalid header the
 * rest of the message is returned as one batch, which is not intact.
 */
export function batchesOf(payload: Uint8Array, range: OffsetRange): MessageBatch[] {
  const view = viewOf(payload);
  const batches: MessageBatch[] = [];
  let { baseOffset } = range;
  for (let at = 0; baseOffset < range.nextOffset; ) {
    const sizeBytes = saneSizeAt(view, at, baseOffset);
    const isSane = sizeBytes !== null && nextOffsetAt(view, at) <= range.nextOffset;
    const nextOffset = isSane ? nextOffsetAt(view, at) : range.nextOffset;
    const bytes = payload.subarray(at, isSane ? at + sizeBytes : payload.length);
    batches.push({ baseOffset, nextOffset, bytes });
    baseOffset = nextOffset;
    at += bytes.length;
  }
  return batches;
}

/** Max timestamp of the batches before the first invalid header, ms; -1 when there are none. */
export function maxTimestampIn(payload: Uint8Array, { baseOffset }: OffsetRange): number {
  const view = viewOf(payload);
  let maxTimestamp = -1;
  let offset = baseOffset;
  for (let at = 0; ; ) {
    const sizeBytes = saneSizeAt(view, at, offset);
    if (sizeBytes === null) return maxTimestamp;
    maxTimestamp = Math.max(maxTimestamp, maxTimestampAt(view, at));
    offset = nextOffsetAt(view, at);
    at += sizeBytes;
  }
}

/** Whether the bytes are exactly one batch with a valid header and CRC. */
export function isIntact({ bytes, baseOffset, nextOffset }: MessageBatch): boolean {
  const view = viewOf(bytes);
  if (saneSizeAt(view, 0, baseOffset) !== bytes.length) return false;
  return nextOffsetAt(view, 0) === nextOffset && batchCrcMatches(bytes, 0, bytes.length, crc32c);
}

/** Size of the batch at `at`; null when its header is invalid or has another base offset. */
function saneSizeAt(view: DataView, at: number, baseOffset: number): number | null {
  const left = view.byteLength - at;
  if (left < BATCH_OVERHEAD || baseOffsetAt(view, at) !== baseOffset) return null;
  const sizeBytes = batchSizeAt(view, at);
  const isSane = sizeBytes >= BATCH_OVERHEAD && sizeBytes <= left;
  return isSane && nextOffsetAt(view, at) > baseOffset ? sizeBytes : null;
}
