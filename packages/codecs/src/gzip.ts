import { promisify } from "node:util";
import { constants, gunzipSync, gzip, gzipSync } from "node:zlib";
import { DecompressionError, DecompressionLimitError } from "./errors.ts";

/** Size of zlib's output chunks. Its default of 16 KiB takes a third more time. */
const CHUNK_BYTES = 64 * 1024;

export function compressGzip(bytes: Uint8Array): Uint8Array {
  return gzipSync(bytes, { level: constants.Z_DEFAULT_COMPRESSION });
}

const gzipLater = promisify(gzip as (bytes: Uint8Array, options: object, done: Done) => void);

type Done = (error: Error | null, output: Uint8Array) => void;

/** Compresses in another thread. */
export function compressGzipLater(bytes: Uint8Array, level: number): Promise<Uint8Array> {
  return gzipLater(bytes, { level });
}

export function decompressGzip(bytes: Uint8Array, maxBytes: number): Uint8Array {
  // zlib does not accept a limit of 0, so the length is checked again below.
  const options = { maxOutputLength: Math.max(1, maxBytes), chunkSize: CHUNK_BYTES };
  let output: Uint8Array;
  try {
    output = gunzipSync(bytes, options);
  } catch (error) {
    throw zlibError("gzip", error, maxBytes);
  }
  if (output.length > maxBytes) throw new DecompressionLimitError("gzip", maxBytes);
  return output;
}

/** Turns an error of node:zlib into one of this package. */
export function zlibError(codec: string, error: unknown, maxBytes: number): Error {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ERR_BUFFER_TOO_LARGE") return new DecompressionLimitError(codec, maxBytes);
  return new DecompressionError(codec, message, error);
}
