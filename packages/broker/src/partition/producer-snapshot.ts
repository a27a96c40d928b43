import { crc32c } from "@tarpan/codecs";
import { setInt64, viewOf } from "@tarpan/protocol";
import { inSlices, type NextTurn } from "../util/next-turn.ts";
import { ENTRIES_PER_CHUNK } from "./limits.ts";

/** A producer in Kafka's snapshot of them (ProducerSnapshot.json); -1 for what there is not. */
export interface ProducerEntry {
  readonly producerId: number;
  readonly epoch: number;
  /** Of its last batch, if that has the producer's epoch. */
  readonly lastSequence: number;
  readonly lastOffset: number;
  /** From the first record of that batch to the last one. */
  readonly offsetDelta: number;
  /** Ms since the epoch. */
  readonly timestamp: number;
  readonly coordinatorEpoch: number;
  readonly currentTxnFirstOffset: number;
}

const VERSION = 1;
const CRC_AT = 2;
const COUNT_AT = 6;
const HEAD_BYTES = 10;
const ENTRY_BYTES = 46;

/** Kafka's `.snapshot` file. The first entries are taken in this turn, all others in later ones. */
export async function encodeProducerSnapshot(
  entries: Iterable<ProducerEntry>,
  nextTurn: NextTurn,
): Promise<Uint8Array> {
  const head = Buffer.alloc(HEAD_BYTES);
  const slices: Uint8Array[] = [head];
  await inSlices(encodedSlices(entries), nextTurn, (slice) => {
    slices.push(slice);
  });
  const bytes = Buffer.concat(slices);
  bytes.writeInt16BE(VERSION, 0);
  bytes.writeInt32BE((bytes.byteLength - HEAD_BYTES) / ENTRY_BYTES, COUNT_AT);
  bytes.writeUInt32BE(crc32c(bytes.subarray(COUNT_AT)), CRC_AT);
  return bytes;
}

/** Whether Kafka could read it (ProducerStateManager.readSnapshot). */
export function isProducerSnapshot(bytes: Uint8Array): boolean {
  if (bytes.byteLength < HEAD_BYTES) return false;
  const view = viewOf(bytes);
  return (
    view.getInt16(0) === VERSION &&
    bytes.byteLength === HEAD_BYTES + view.getInt32(COUNT_AT) * ENTRY_BYTES &&
    view.getUint32(CRC_AT) === crc32c(bytes.subarray(COUNT_AT))
  );
}

function* encodedSlices(entries: Iterable<ProducerEntry>): Generator<Uint8Array> {
  let group: ProducerEntry[] = [];
  for (const entry of entries) {
    group.push(entry);
    if (group.length < ENTRIES_PER_CHUNK) continue;
    yield encodedEntries(group);
    group = [];
  }
  yield encodedEntries(group);
}

function encodedEntries(entries: readonly ProducerEntry[]): Uint8Array {
  const bytes = new Uint8Array(entries.length * ENTRY_BYTES);
  const view = viewOf(bytes);
  for (const [i, entry] of entries.entries()) writeEntry(view, i * ENTRY_BYTES, entry);
  return bytes;
}

function writeEntry(view: DataView, at: number, entry: ProducerEntry): void {
  setInt64(view, at, entry.producerId);
  view.setInt16(at + 8, entry.epoch);
  view.setInt32(at + 10, entry.lastSequence);
  setInt64(view, at + 14, entry.lastOffset);
  view.setInt32(at + 22, entry.offsetDelta);
  setInt64(view, at + 26, safeMs(entry.timestamp));
  view.setInt32(at + 34, entry.coordinatorEpoch);
  setInt64(view, at + 38, entry.currentTxnFirstOffset);
}

/** A client may have sent any 64 bits as its timestamp. */
function safeMs(timestamp: number): number {
  const { MAX_SAFE_INTEGER: max, MIN_SAFE_INTEGER: min } = Number;
  return Math.min(Math.max(Math.floor(timestamp), min), max);
}
