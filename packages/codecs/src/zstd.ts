import * as zlib from "node:zlib";
import { CodecUnavailableError, DecompressionError, DecompressionLimitError } from "./errors.ts";
import { zlibError } from "./gzip.ts";
import type { Zstd } from "./zstd-contract.ts";
import { zstdFrames } from "./zstd-frame.ts";
import { openZstdWasm } from "./zstd-wasm.ts";

/** node:zlib has zstd since Node 22.15; our types are those of the oldest supported Node. */
interface ZlibWithZstd {
  zstdCompressSync?(bytes: Uint8Array): Uint8Array;
  zstdCompress?(bytes: Uint8Array, options: ZstdOptions, done: Done): void;
  zstdDecompressSync?(bytes: Uint8Array, options: { maxOutputLength: number }): Uint8Array;
}

interface ZstdOptions {
  readonly params: Readonly<Record<number, number>>;
}

type Done = (error: Error | null, output: Uint8Array) => void;

/** `ZSTD_c_compressionLevel` of zstd.h, and of node:zlib's constants. */
const COMPRESSION_LEVEL = 100;

let opened: Zstd | undefined;

function zstd(): Zstd {
  opened ??= openZlib(zlib as object) ?? openWasm();
  return opened;
}

export function compressZstd(bytes: Uint8Array): Uint8Array {
  return zstd().compress(bytes);
}

/** Compresses in another thread. */
export function compressZstdLater(bytes: Uint8Array, level: number): Promise<Uint8Array> {
  return zstd().compressLater(bytes, level);
}

/**
 * Decompresses one or more frames. For a frame without a content size, its blocks bound the memory.
 */
export function decompressZstd(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let total = 0;
  const frames = zstdFrames(bytes);
  let promised = 0;
  for (const frame of frames) promised += frame.contentBytes ?? 0;
  if (promised > maxBytes) throw new DecompressionLimitError("zstd", maxBytes);
  for (const { start, end, contentBytes, boundBytes } of frames) {
    const capacity = contentBytes ?? Math.min(boundBytes, maxBytes - total);
    const part = expand(bytes.subarray(start, end), capacity, contentBytes, maxBytes);
    total += part.length;
    if (total > maxBytes) throw new DecompressionLimitError("zstd", maxBytes);
    parts.push(part);
  }
  const only = parts[0];
  if (parts.length === 1 && only) return only;
  const output = new Uint8Array(total);
  let at = 0;
  for (const part of parts) {
    output.set(part, at);
    at += part.length;
  }
  return output;
}

function expand(
  frame: Uint8Array,
  capacity: number,
  contentBytes: number | undefined,
  maxBytes: number,
): Uint8Array {
  try {
    const part = zstd().decompressFrame(frame, capacity);
    if (contentBytes === undefined || part.length === contentBytes) return part;
  } catch (error) {
    if (!(error instanceof DecompressionLimitError)) throw error;
    if (contentBytes === undefined) throw new DecompressionLimitError("zstd", maxBytes);
  }
  throw new DecompressionError("zstd", `a frame has not the ${contentBytes} bytes its header says`);
}

function openZlib(library: ZlibWithZstd): Zstd | undefined {
  const { zstdCompressSync, zstdCompress, zstdDecompressSync } = library;
  if (!zstdCompressSync || !zstdCompress || !zstdDecompressSync) return undefined;
  return {
    compress: (bytes) => zstdCompressSync(bytes),
    compressLater: (bytes, level) =>
      new Promise((resolve, reject) => {
        const options = { params: { [COMPRESSION_LEVEL]: level } };
        zstdCompress(bytes, options, (error, output) => {
          if (error === null) resolve(output);
          else reject(error);
        });
      }),
    decompressFrame(frame, capacity) {
      try {
        return zstdDecompressSync(frame, { maxOutputLength: Math.max(1, capacity) });
      } catch (error) {
        throw zlibError("zstd", error, capacity);
      }
    },
  };
}

function openWasm(): Zstd {
  try {
    return openZstdWasm();
  } catch (cause) {
    const message = "zstd is not available: use Node 22.15 or later, or install @bokuweb/zstd-wasm";
    throw new CodecUnavailableError(message, { cause });
  }
}
