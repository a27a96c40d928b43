export interface Zstd {
  compress(bytes: Uint8Array): Uint8Array;
  /** The same in another thread, with a level of zstd's. */
  compressLater(bytes: Uint8Array, level: number): Promise<Uint8Array>;
  /** Decompresses one frame. Throws DecompressionLimitError above `capacity` bytes. */
  decompressFrame(frame: Uint8Array, capacity: number): Uint8Array;
}
