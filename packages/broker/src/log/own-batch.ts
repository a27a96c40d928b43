import { OWNED_PART } from "./limits.ts";

/**
 * A batch that came as a small part of a large buffer (a socket's chunk, a request for many
 * partitions) would keep all of that buffer alive: such a one is copied before it is kept.
 */
export function ownBatch(batch: Uint8Array): Uint8Array {
  return isMostOfItsBuffer(batch) ? batch : new Uint8Array(batch);
}

export function isMostOfItsBuffer(batch: Uint8Array): boolean {
  return batch.byteLength >= batch.buffer.byteLength * OWNED_PART;
}
