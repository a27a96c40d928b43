import { compressLater } from "@tarpan/codecs";
import { Semaphore } from "../util/semaphore.ts";
import { MAX_CONCURRENT_COMPRESSIONS } from "./limits.ts";

/** Of all brokers in this process, because the pool is the process's. */
const turns = new Semaphore(MAX_CONCURRENT_COMPRESSIONS);

/**
 * Compresses in libuv's pool of threads, which has four by default. Files are read and synced in
 * the same pool: so that these never wait for a long compression, only a few run at a time.
 */
export function compressInPool(
  codec: number,
  records: Uint8Array,
  level: number,
): Promise<Uint8Array> {
  return turns.run(() => compressLater(codec, records, level));
}
