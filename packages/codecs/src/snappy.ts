// Kafka has two snappy formats: Java clients frame raw blocks (snappy-java's SnappyOutputStream,
// "xerial"), librdkafka and others send one raw block.
import { DecompressionError, DecompressionLimitError } from "./errors.ts";
import { MAX_BLOCKS, NATIVE_SNAPPY_MIN_BYTES, SNAPPY_MAX_EXPANSION } from "./limits.ts";
import { optional, requireLibrary } from "./native.ts";
import { decompressBlock, readPlainLength, storeBlock } from "./snappy-block.ts";

const XERIAL_MAGIC = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00];
/** Magic, version and lowest compatible version. */
const XERIAL_HEADER_BYTES = 16;

type Snappy = typeof import("snappy");
const native = optional(() => requireLibrary("snappy") as Snappy);

/** Copies the output into V8's memory: an external buffer takes four times as long. */
const COPY = { copyOutputData: true };

/**
 * Writes one raw block: every client reads it, but some can't read xerial (@platformatic/kafka).
 */
export function compressSnappy(bytes: Uint8Array): Uint8Array {
  return native()?.compressSync(bytes, COPY) ?? storeBlock(bytes);
}

/** Compresses in another thread. */
export async function compressSnappyLater(bytes: Uint8Array): Promise<Uint8Array> {
  return (await native()?.compress(bytes, COPY)) ?? storeBlock(bytes);
}

/** Reads both formats. Adds up the plain lengths before it decompresses. */
export function decompressSnappy(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const blocks = isXerial(bytes) ? splitXerial(bytes) : [bytes];
  let total = 0;
  for (const block of blocks) {
    total += claimedLength(block);
    if (total > maxBytes) throw new DecompressionLimitError("snappy", maxBytes);
  }
  const only = blocks[0];
  if (blocks.length === 1 && only && total >= NATIVE_SNAPPY_MIN_BYTES) return expand(only);
  const output = new Uint8Array(total);
  let at = 0;
  for (const block of blocks) {
    const { length, next } = readPlainLength(block);
    const target = output.subarray(at, at + length);
    if (length < NATIVE_SNAPPY_MIN_BYTES) decompressBlock(block, next, target);
    else target.set(expand(block));
    at += length;
  }
  return output;
}

function isXerial(bytes: Uint8Array): boolean {
  return bytes.length >= XERIAL_HEADER_BYTES && XERIAL_MAGIC.every((byte, i) => bytes[i] === byte);
}

function splitXerial(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blocks: Uint8Array[] = [];
  let at = XERIAL_HEADER_BYTES;
  while (at < bytes.length) {
    // Streams may be concatenated; snappy-java skips the headers in between.
    if (isXerial(bytes.subarray(at))) {
      at += XERIAL_HEADER_BYTES;
      continue;
    }
    if (bytes.length - at < 4) throw new DecompressionError("snappy", "a block length is cut off");
    const length = view.getInt32(at);
    at += 4;
    if (length <= 0 || length > bytes.length - at) {
      throw new DecompressionError(
        "snappy",
        `a block of ${length} bytes, ${bytes.length - at} left`,
      );
    }
    if (blocks.push(bytes.subarray(at, at + length)) > MAX_BLOCKS) {
      throw new DecompressionError("snappy", "too many blocks");
    }
    at += length;
  }
  return blocks;
}

function claimedLength(block: Uint8Array): number {
  const { length } = readPlainLength(block);
  if (length > block.length * SNAPPY_MAX_EXPANSION) {
    throw new DecompressionError("snappy", `${block.length} bytes can't expand to ${length}`);
  }
  return length;
}

/** The native decoder allocates the claimed length, which claimedLength has checked. */
function expand(block: Uint8Array): Uint8Array {
  const snappy = native();
  if (!snappy) {
    const { length, next } = readPlainLength(block);
    const output = new Uint8Array(length);
    decompressBlock(block, next, output);
    return output;
  }
  try {
    return snappy.uncompressSync(block, COPY) as Buffer;
  } catch (error) {
    throw new DecompressionError("snappy", (error as Error).message, error);
  }
}
