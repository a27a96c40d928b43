// The epoch marker: the message by which a writer takes over a log. It has a sequence in the
// stream, but no offset in the log.
import { BATCH_OVERHEAD, int64At, setInt64, viewOf } from "@tarpan/protocol";

export interface Marker {
  readonly epoch: number;
  /** The sequence it should get. With another one it counts only if its epoch is newer. */
  readonly intendedSequence: number;
  /** The offset that the writer expects for its first batch. */
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

/** Null when the bytes are not a marker. */
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
