export { compress, compressLater, decompress } from "./compressions.ts";
export { crc32c, loadCrc32c } from "./crc32c.ts";
export { CodecUnavailableError, DecompressionError, DecompressionLimitError } from "./errors.ts";
export { murmur2 } from "./murmur2.ts";
