import { decompress } from "@tarpan/codecs";
import { type DecodedRecord, decodeBatches, RecordWalk, recordsField } from "@tarpan/protocol";
import type { ReadableLog } from "../log/log.ts";
import { MAX_DECOMPRESSED_BATCH_BYTES } from "../partition/limits.ts";
import { NEAR_OFFSETS, NEAR_READ_BYTES } from "./limits.ts";

export interface StoredRecord extends DecodedRecord {
  /** When the client created it; `timestamp` is when it was appended. */
  readonly createdMs: number;
}

/**
 * Reads the records at these offsets, which ascend, one by one: the caller may stop early. Batches
 * are read once for all the records in them.
 */
export async function* readRecords(
  log: Pick<ReadableLog, "read" | "endOffset">,
  offsets: readonly number[],
): AsyncGenerator<StoredRecord, void, undefined> {
  const walk = new RecordWalk();
  let next = 0;
  while (next < offsets.length) {
    const offset = offsets[next]!;
    const isNear = (offsets[next + 1] ?? Infinity) - offset <= NEAR_OFFSETS;
    const batches = await log.read(offset, isNear ? NEAR_READ_BYTES : 1);
    const before = next;
    for (const { header, bytes } of decodeBatches(batches)) {
      if (next === offsets.length || header.lastOffset < offsets[next]!) continue;
      const plain = recordsField(bytes, header, decompress, MAX_DECOMPRESSED_BATCH_BYTES);
      walk.begin(plain.bytes, plain.start, plain.end, header.recordCount);
      while (next < offsets.length && walk.next()) {
        if (header.baseOffset + walk.offsetDelta !== offsets[next]) continue;
        next += 1;
        yield { ...walk.decode(header), createdMs: header.baseTimestamp + walk.timestampDelta };
      }
    }
    if (next === before) throw new Error(`no record at offset ${offset} of a held message`);
  }
}
