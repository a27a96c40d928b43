import { int64At, setInt64, viewOf } from "@tarpan/protocol";
import type { AbortedTransaction } from "./aborted-transactions.ts";

const VERSION = 0;
const ENTRY_BYTES = 34;
const LAST_OFFSET_AT = 18;

/** Kafka's `.txnindex` file (AbortedTxn.json): no head, one entry for each aborted transaction. */
export function encodeTransactionIndex(aborted: readonly AbortedTransaction[]): Uint8Array {
  const bytes = new Uint8Array(aborted.length * ENTRY_BYTES);
  const view = viewOf(bytes);
  for (const [i, { producerId, firstOffset, lastOffset, lastStableOffset }] of aborted.entries()) {
    const at = i * ENTRY_BYTES;
    view.setInt16(at, VERSION);
    setInt64(view, at + 2, producerId);
    setInt64(view, at + 10, firstOffset);
    setInt64(view, at + LAST_OFFSET_AT, lastOffset);
    setInt64(view, at + 26, lastStableOffset);
  }
  return bytes;
}

/** A `.txnindex` file without its first entries, whose markers are before `offset`. */
export function entriesFrom(bytes: Uint8Array, offset: number): Uint8Array {
  const view = viewOf(bytes);
  let at = 0;
  while (at + ENTRY_BYTES <= bytes.byteLength && int64At(view, at + LAST_OFFSET_AT) < offset) {
    at += ENTRY_BYTES;
  }
  return bytes.subarray(at);
}
