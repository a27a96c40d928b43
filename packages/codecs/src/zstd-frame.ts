// The headers of Zstandard frames (RFC 8878). They bound a frame's plain size before it is
// decompressed: by its content size, or without one by the number and type of its blocks.
import { DecompressionError } from "./errors.ts";
import { ZSTD_MAX_BLOCK_BYTES, ZSTD_MAX_FRAMES } from "./limits.ts";

const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a5;

export interface ZstdFrame {
  start: number;
  end: number;
  /** From the frame's header, if it has one. */
  contentBytes: number | undefined;
  /** The largest plain size that a frame of these blocks can have. */
  boundBytes: number;
}

/** The frames of `bytes`, without skippable frames. Throws if bytes follow the last one. */
export function zstdFrames(bytes: Uint8Array): ZstdFrame[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const frames: ZstdFrame[] = [];
  let at = 0;
  while (at < bytes.length) {
    need(bytes, at, 8);
    const magic = view.getUint32(at, true);
    if (magic >>> 4 === SKIPPABLE_MAGIC) {
      const skipped = 8 + view.getUint32(at + 4, true);
      need(bytes, at, skipped);
      at += skipped;
    } else {
      if (magic !== FRAME_MAGIC) throw malformed("no frame");
      const frame = readFrame(bytes, view, at);
      if (frames.push(frame) > ZSTD_MAX_FRAMES) throw malformed("too many frames");
      at = frame.end;
    }
  }
  if (frames.length === 0) throw malformed("no frame");
  return frames;
}

function readFrame(bytes: Uint8Array, view: DataView, start: number): ZstdFrame {
  const descriptor = bytes[start + 4]!;
  const singleSegment = (descriptor & 0x20) !== 0;
  if (descriptor & 0x08) throw malformed("a reserved bit is set");
  let at = start + 5 + (singleSegment ? 0 : 1);
  // Skip the dictionary id, if any. Kafka has no dictionaries: such a frame fails to decompress.
  at += [0, 1, 2, 4][descriptor & 3]!;
  const sizeFlag = descriptor >>> 6;
  const sizeBytes = sizeFlag === 0 ? Number(singleSegment) : 1 << sizeFlag;
  need(bytes, at, sizeBytes);
  const contentBytes = sizeBytes === 0 ? undefined : readContentSize(view, at, sizeBytes);
  const blocks = readBlocks(bytes, at + sizeBytes);
  const end = blocks.end + (descriptor & 0x04 ? 4 : 0);
  if (end > bytes.length) throw malformed("the checksum is cut off");
  if (contentBytes !== undefined && contentBytes > blocks.boundBytes) {
    throw malformed(`its blocks can't expand to the ${contentBytes} bytes that its header says`);
  }
  return { start, end, contentBytes, boundBytes: blocks.boundBytes };
}

function readContentSize(view: DataView, at: number, sizeBytes: number): number {
  if (sizeBytes === 1) return view.getUint8(at);
  if (sizeBytes === 2) return view.getUint16(at, true) + 256;
  if (sizeBytes === 4) return view.getUint32(at, true);
  return Number(view.getBigUint64(at, true));
}

function readBlocks(bytes: Uint8Array, from: number): { end: number; boundBytes: number } {
  let at = from;
  let boundBytes = 0;
  for (let last = false; !last; ) {
    need(bytes, at, 3);
    const header = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
    const type = (header >>> 1) & 3;
    const size = header >>> 3;
    if (type === 3 || size > ZSTD_MAX_BLOCK_BYTES) throw malformed("an invalid block header");
    const stored = type === 1 ? 1 : size;
    need(bytes, at + 3, stored);
    at += 3 + stored;
    boundBytes += type === 2 ? ZSTD_MAX_BLOCK_BYTES : size;
    last = (header & 1) !== 0;
  }
  return { end: at, boundBytes };
}

function need(bytes: Uint8Array, at: number, count: number): void {
  if (at + count > bytes.length) throw malformed("the input is cut off");
}

function malformed(reason: string): DecompressionError {
  return new DecompressionError("zstd", reason);
}
