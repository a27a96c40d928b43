import { CodecUnavailableError } from "./errors.ts";
import { compressGzip, compressGzipLater, decompressGzip } from "./gzip.ts";
import { compressLz4, compressLz4Later, decompressLz4 } from "./lz4.ts";
import { compressSnappy, compressSnappyLater, decompressSnappy } from "./snappy.ts";
import { compressZstd, compressZstdLater, decompressZstd } from "./zstd.ts";

/**
 * Compresses with the codec of a record batch: 1 gzip, 2 snappy (a raw block), 3 lz4 (a frame), 4
 * zstd. Throws CodecUnavailableError.
 */
export function compress(codec: number, bytes: Uint8Array): Uint8Array {
  switch (codec) {
    case 1:
      return compressGzip(bytes);
    case 2:
      return compressSnappy(bytes);
    case 3:
      return compressLz4(bytes);
    case 4:
      return compressZstd(bytes);
    default:
      throw unknownCodec(codec);
  }
}

/**
 * The same in another thread: in libuv's pool, or for zstd on Node before 22.15 in a worker.
 * `level` is gzip's (-1 to 9) or zstd's; snappy and lz4 have none. `bytes` must not change
 * meanwhile.
 */
export async function compressLater(
  codec: number,
  bytes: Uint8Array,
  level: number,
): Promise<Uint8Array> {
  switch (codec) {
    case 1:
      return compressGzipLater(bytes, level);
    case 2:
      return compressSnappyLater(bytes);
    case 3:
      return compressLz4Later(bytes);
    case 4:
      return compressZstdLater(bytes, level);
    default:
      throw unknownCodec(codec);
  }
}

/**
 * Decompresses the output of `compress` or of any Kafka client. Throws DecompressionLimitError if
 * the result would exceed `maxBytes`, before it allocates that much; DecompressionError for
 * malformed input; CodecUnavailableError. The result shares no memory with `bytes`.
 */
export function decompress(codec: number, bytes: Uint8Array, maxBytes: number): Uint8Array {
  switch (codec) {
    case 1:
      return decompressGzip(bytes, maxBytes);
    case 2:
      return decompressSnappy(bytes, maxBytes);
    case 3:
      return decompressLz4(bytes, maxBytes);
    case 4:
      return decompressZstd(bytes, maxBytes);
    default:
      throw unknownCodec(codec);
  }
}

function unknownCodec(codec: number): CodecUnavailableError {
  return new CodecUnavailableError(`unknown compression codec ${codec}: must be 1 to 4`);
}
