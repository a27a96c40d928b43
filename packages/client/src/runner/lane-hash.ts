import { murmur2 } from "../producer/murmur2.ts";
import { orderKeyOf } from "../producer/order-key.ts";
import type { ConsumedRecord } from "../record.ts";
import type { RunSettings } from "./run-options.ts";

const NO_KEY = -1;

/**
 * Which records of a partition are handled one after another: those with the same number, which is
 * -1 if the record need not wait for any. Two keys with the same hash share a lane: harmless, and
 * cheaper than text made of every key.
 */
export function laneHash({ eachBatch }: RunSettings): (record: ConsumedRecord) => number {
  return eachBatch === undefined ? keyHash : () => 0;
}

function keyHash(record: ConsumedRecord): number {
  const key = orderKeyOf(record);
  return key === null ? NO_KEY : hash(key);
}

/** 30 bits: V8 keeps them without an object of their own. */
function hash(bytes: Uint8Array): number {
  return murmur2(bytes) & 0x3fffffff;
}
