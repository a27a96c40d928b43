import { compressLater } from "@tarpan/codecs";
import { MAX_CONCURRENT_COMPRESSIONS } from "./limits.ts";

let running = 0;
const waiting: (() => void)[] = [];

/**
 * Compresses in libuv's pool of threads, which has four by default. Files are read and synced in
 * the same pool: so that these never wait for a long compression, only a few run at a time.
 */
export async function compressInPool(
  codec: number,
  records: Uint8Array,
  level: number,
): Promise<Uint8Array> {
  if (running < MAX_CONCURRENT_COMPRESSIONS) running++;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    return await compressLater(codec, records, level);
  } finally {
    const next = waiting.shift();
    if (next === undefined) running--;
    else next();
  }
}
