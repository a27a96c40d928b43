// The epoch marker: the message by which a writer takes a log over. It takes a sequence of the
// stream, but no offset.
import { BATCH_OVERHEAD, int64At, setInt64, viewOf } from "@tarpan/protocol";

export interface Marker {
  readonly epoch: number;
  /** The sequence it was meant to get; elsewhere it counts only when its epoch is newer. */
  readonly intendedSequence: number;
  /** The offset that the writer's first batch gets, as far as it knew. */
  readonly nextOffset: number;
  readonly writer: string;
}

const MAGIC = 0x7a72704d;
const VERSION = 1;
const HEAD_BYTES = 25;

export function encodeMarker(marker: Marker): Uint8Array {
  const writer = new TextEncoder().encode(marker.writer);
  const bytes = new Uint8Array(HEAD_BYTES + writer.length);
  if (bytes.length >= BATCH_OVERHEAD) throw new Error("a marker that could be a batch");
  const view = viewOf(bytes);
  view.setUint32(0, MAGIC);
  view.setUint8(4, VERSION);
  view.setInt32(5, marker.epoch);
  setInt64(view, 9, marker.intendedSequence);
  setInt64(view, 17, marker.nextOffset);
  bytes.set(writer, HEAD_BYTES);
  return bytes;
}

/** Null when it is none. */
export function decodeMarker(bytes: Uint8Array): Marker | null {
  if (bytes.length < HEAD_BYTES || bytes.length >= BATCH_OVERHEAD) return null;
  const view = viewOf(bytes);
  if (view.getUint32(0) !== MAGIC || view.getUint8(4) !== VERSION) return null;
  return {
    epoch: view.getInt32(5),
    intendedSequence: int64At(view, 9),
    nextOffset: int64At(view, 17),
    writer: new TextDecoder().decode(bytes.subarray(HEAD_BYTES)),
  };
}
