export interface Zstd {
  compress(bytes: Uint8Array): Uint8Array;
  /** Decompresses one frame. Throws DecompressionLimitError above `capacity` bytes. */
  decompressFrame(frame: Uint8Array, capacity: number): Uint8Array;
}
