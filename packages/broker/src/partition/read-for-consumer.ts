import { BATCH_OVERHEAD } from "@tarpan/protocol";
import type { ReadablePartition } from "./readable-partition.ts";

/**
 * Batches for a consumer at `offset`. Where compaction has left many batches without records, the
 * log reads on to the next records. What does not fit then is left out: consumers move on over a
 * gap, but librdkafka closes the connection when an answer is larger than it allows for.
 */
export async function readForConsumer(
  { log }: ReadablePartition,
  offset: number,
  maxBytes: number,
  upTo: number,
): Promise<{ readonly batches: readonly Uint8Array[]; readonly sizeBytes: number }> {
  const batches = await log.read(offset, maxBytes, upTo);
  let sizeBytes = 0;
  for (const batch of batches) sizeBytes += batch.byteLength;
  let from = 0;
  while (sizeBytes > maxBytes && from < batches.length - 1 && isEmpty(batches[from]!)) {
    sizeBytes -= BATCH_OVERHEAD;
    from += 1;
  }
  return { batches: from === 0 ? batches : batches.slice(from), sizeBytes };
}

/** Whether it is a batch's header and no more: a log may give several batches as one. */
function isEmpty(batches: Uint8Array): boolean {
  return batches.byteLength === BATCH_OVERHEAD;
}
