export interface Zstd {
  compress(bytes: Uint8Array): Uint8Array;
  /** Expands one frame into `capacity` bytes at most, or throws DecompressionLimitError. */
  decompressFrame(frame: Uint8Array, capacity: number): Uint8Array;
}
