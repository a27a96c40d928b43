/** The output would exceed the caller's limit; nothing near that size was allocated. */
export class DecompressionLimitError extends Error {
  readonly code = "TARPAN_DECOMPRESSION_LIMIT";
  override readonly name = "DecompressionLimitError";

  constructor(codec: string, maxBytes: number) {
    super(`${codec} data expands beyond the limit of ${maxBytes} bytes`);
  }
}

/** The input is not what its codec calls for. */
export class DecompressionError extends Error {
  readonly code = "TARPAN_DECOMPRESSION_FAILED";
  override readonly name = "DecompressionError";

  constructor(codec: string, reason: string, cause?: unknown) {
    super(`malformed ${codec} data: ${reason}`, { cause });
  }
}

/** The codec is not one of ours, or the library behind it can't be loaded on this machine. */
export class CodecUnavailableError extends Error {
  readonly code = "TARPAN_CODEC_UNAVAILABLE";
  override readonly name = "CodecUnavailableError";
}
