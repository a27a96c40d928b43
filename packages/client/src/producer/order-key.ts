import type { ConsumedRecord, ProducerRecord } from "../record.ts";

/** The header with a record's order key, where that is not the record's key. */
const ORDER_KEY = "tarpan-order-key";

/** Sets the record's order key: by its key if it has none of its own, else by a header. */
export function withOrderKey(
  record: Omit<ProducerRecord, "partition">,
  orderKey: Uint8Array | string,
): ProducerRecord {
  const { key, headers = [] } = record;
  if (key === undefined || key === null) return { ...record, key: orderKey };
  return { ...record, headers: [...headers, { key: ORDER_KEY, value: orderKey }] };
}

type WithKey = Pick<ConsumedRecord | ProducerRecord, "key" | "headers">;

/** The key whose records stay in order; null if the record has none. */
export function orderKeyOf({ key, headers }: ConsumedRecord): Buffer | null;
export function orderKeyOf({ key, headers }: WithKey): Uint8Array | string | null;
export function orderKeyOf({ key, headers = [] }: WithKey): Uint8Array | string | null {
  for (const header of headers)
    if (header.key === ORDER_KEY && header.value !== null) return header.value;
  return key ?? null;
}
