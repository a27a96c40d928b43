// LZ4 frames (lz4_Frame_format.md), as Kafka uses them since magic 1. Decompressed here because the
// native library can't limit its output; for a batch this takes no longer than the native call.
import { DecompressionError, DecompressionLimitError } from "./errors.ts";
import { MAX_BLOCKS } from "./limits.ts";
import { decompressBlock, plainBlockLength } from "./lz4-block.ts";
import { optional, requireLibrary } from "./native.ts";
import { xxhash32 } from "./xxhash32.ts";

const FRAME_MAGIC = 0x184d2204;
const STORED_BIT = 0x80000000;
/** Version 01, independent blocks, no checksums, no content size; blocks of 4 MiB at most. */
const PLAIN_FLAGS = 0x60;
const BLOCK_4_MIB = 0x70;

type Lz4 = typeof import("lz4-napi");
const native = optional(() => requireLibrary("lz4-napi") as Lz4);

export function compressLz4(bytes: Uint8Array): Uint8Array {
  const lz4 = native();
  if (!lz4) return storeFrame(bytes);
  return lz4.compressFrameSync(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

/** Compresses in another thread. */
export async function compressLz4Later(bytes: Uint8Array): Promise<Uint8Array> {
  return (await native()?.compressFrame(bytes)) ?? storeFrame(bytes);
}

interface FrameBlock {
  start: number;
  end: number;
  stored: boolean;
}

interface Frame {
  independent: boolean;
  blocks: FrameBlock[];
  plainBytes: number;
  contentChecksum: number | undefined;
}

/** Decompresses one frame. Adds up its plain size before it allocates the output. */
export function decompressLz4(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const frame = readFrame(bytes, maxBytes);
  const output = new Uint8Array(frame.plainBytes);
  let out = 0;
  for (const { start, end, stored } of frame.blocks) {
    if (stored) {
      output.set(bytes.subarray(start, end), out);
      out += end - start;
    } else {
      // Linked blocks may refer back to earlier ones; 16 bits limit the distance.
      const earliest = frame.independent ? out : 0;
      out = decompressBlock(bytes, start, end, output, out, earliest);
    }
  }
  if (frame.contentChecksum !== undefined && xxhash32(output) !== frame.contentChecksum) {
    throw malformed("the content checksum does not match");
  }
  return output;
}

function readFrame(bytes: Uint8Array, maxBytes: number): Frame {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 7 || view.getUint32(0, true) !== FRAME_MAGIC) throw malformed("no frame");
  const flags = bytes[4]!;
  const blockSizeId = (bytes[5]! >>> 4) & 7;
  if (flags >>> 6 !== 1 || (flags & 3) !== 0 || blockSizeId < 4 || (bytes[5]! & 0x8f) !== 0) {
    throw malformed("unknown frame flags");
  }
  const headerEnd = flags & 8 ? 14 : 6;
  if (bytes.length <= headerEnd) throw malformed("the frame header is cut off");
  if (((xxhash32(bytes.subarray(4, headerEnd)) >>> 8) & 255) !== bytes[headerEnd]) {
    throw malformed("the header checksum does not match");
  }
  const contentBytes = flags & 8 ? Number(view.getBigUint64(6, true)) : undefined;
  if (contentBytes !== undefined && contentBytes > maxBytes) {
    throw new DecompressionLimitError("lz4", maxBytes);
  }
  const maxBlockBytes = 1 << (8 + 2 * blockSizeId);
  const { blocks, plainBytes, next } = readBlocks(bytes, view, headerEnd + 1, {
    maxBlockBytes,
    blockChecksums: (flags & 16) !== 0,
    maxBytes,
  });
  if (contentBytes !== undefined && contentBytes !== plainBytes) {
    throw malformed(`${plainBytes} bytes, but the header says ${contentBytes}`);
  }
  const contentChecksum = flags & 4 ? readUint32(view, next) : undefined;
  const frameEnd = flags & 4 ? next + 4 : next;
  if (frameEnd !== bytes.length) throw malformed("bytes after the frame");
  return { independent: (flags & 32) !== 0, blocks, plainBytes, contentChecksum };
}

function readBlocks(
  bytes: Uint8Array,
  view: DataView,
  from: number,
  rules: { maxBlockBytes: number; blockChecksums: boolean; maxBytes: number },
): { blocks: FrameBlock[]; plainBytes: number; next: number } {
  const { maxBlockBytes, maxBytes } = rules;
  const blocks: FrameBlock[] = [];
  let total = 0;
  let at = from;
  for (;;) {
    const word = readUint32(view, at);
    at += 4;
    if (word === 0) return { blocks, plainBytes: total, next: at };
    const stored = word >= STORED_BIT;
    const start = at;
    at += stored ? word - STORED_BIT : word;
    if (at === start || at > bytes.length || at - start > maxBlockBytes) {
      throw malformed(`a block of ${at - start} bytes`);
    }
    const end = at;
    const plainBytes = stored ? end - start : plainBlockLength(bytes, start, end, maxBytes - total);
    if (plainBytes > maxBlockBytes) throw malformed("a block expands beyond its limit");
    total += plainBytes;
    if (total > maxBytes) throw new DecompressionLimitError("lz4", maxBytes);
    if (rules.blockChecksums) {
      if (xxhash32(bytes.subarray(start, end)) !== readUint32(view, at)) {
        throw malformed("a block checksum does not match");
      }
      at += 4;
    }
    if (blocks.push({ start, end, stored }) > MAX_BLOCKS) throw malformed("too many blocks");
  }
}

/** A valid frame of stored (uncompressed) blocks, for machines without the native library. */
export function storeFrame(plain: Uint8Array): Uint8Array {
  const blockBytes = 4 * 1024 * 1024;
  const blockCount = Math.ceil(plain.length / blockBytes);
  const frame = new Uint8Array(7 + plain.length + 4 * blockCount + 4);
  const view = new DataView(frame.buffer);
  view.setUint32(0, FRAME_MAGIC, true);
  frame[4] = PLAIN_FLAGS;
  frame[5] = BLOCK_4_MIB;
  frame[6] = (xxhash32(frame.subarray(4, 6)) >>> 8) & 255;
  let at = 7;
  for (let from = 0; from < plain.length; from += blockBytes) {
    const block = plain.subarray(from, from + blockBytes);
    view.setUint32(at, block.length + STORED_BIT, true);
    frame.set(block, at + 4);
    at += 4 + block.length;
  }
  return frame;
}

function readUint32(view: DataView, at: number): number {
  if (at + 4 > view.byteLength) throw malformed("the frame is cut off");
  return view.getUint32(at, true);
}

function malformed(reason: string): DecompressionError {
  return new DecompressionError("lz4", reason);
}
