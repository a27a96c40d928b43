import { type BatchFields, encodeBatch, readBatchHeader } from "@tarpan/protocol";

/** A batch of `count` small records. */
export function batchOf(count: number, fields: BatchFields = {}): Uint8Array {
  const records = Array.from({ length: count }, (_, index) => ({
    key: null,
    value: new TextEncoder().encode(`value ${index}`),
    timestamp: 1_000 + index,
  }));
  return encodeBatch(records, fields);
}

export function producerBatch(
  baseSequence: number,
  { count = 1, producerId = 7, producerEpoch = 0 } = {},
): Uint8Array {
  return batchOf(count, { producerId, producerEpoch, baseSequence });
}

export const headerOf = (batch: Uint8Array) => readBatchHeader(batch);
