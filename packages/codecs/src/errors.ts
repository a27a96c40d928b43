/** The output would exceed the caller's limit. No memory of that size was allocated. */
export class DecompressionLimitError extends Error {
  readonly code = "TARPAN_DECOMPRESSION_LIMIT";
  override readonly name = "DecompressionLimitError";

  constructor(codec: string, maxBytes: number) {
    super(`${codec} data expands beyond the limit of ${maxBytes} bytes`);
  }
}

/** The input is malformed. */
export class DecompressionError extends Error {
  readonly code = "TARPAN_DECOMPRESSION_FAILED";
  override readonly name = "DecompressionError";

  constructor(codec: string, reason: string, cause?: unknown) {
    super(`malformed ${codec} data: ${reason}`, { cause });
  }
}

/** The codec is unknown, or its library can't be loaded on this machine. */
export class CodecUnavailableError extends Error {
  readonly code = "TARPAN_CODEC_UNAVAILABLE";
  override readonly name = "CodecUnavailableError";
}
