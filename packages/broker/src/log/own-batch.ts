import { MIN_OWNED_FRACTION } from "./limits.ts";

/**
 * Copies a batch that is a small slice of a large buffer (a socket's chunk, a request for many
 * partitions), because keeping the slice would keep the whole buffer in memory.
 */
export function ownBatch(batch: Uint8Array): Uint8Array {
  return isMostOfItsBuffer(batch) ? batch : new Uint8Array(batch);
}

export function isMostOfItsBuffer(batch: Uint8Array): boolean {
  return batch.byteLength >= batch.buffer.byteLength * MIN_OWNED_FRACTION;
}
