import { decompress } from "@tarpan/codecs";
import { type DecodedRecord, decodeBatches, RecordWalk, recordsField } from "@tarpan/protocol";
import type { ReadableLog } from "../log/log.ts";
import { MAX_DECOMPRESSED_BATCH_BYTES } from "../partition/limits.ts";
import { readFailureOf } from "../partition/log-failure.ts";
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

/** A range of a log that can't be read, up to `to`. */
interface Damage {
  readonly to: number;
  readonly error: Error;
}

/** As `log.read`, except that a damaged range has no batches. It was reported when it was found. */
export async function readOrSkip(
  log: Pick<ReadableLog, "read">,
  offset: number,
  maxBytes: number,
  end: number,
): Promise<{ readonly batches: readonly Uint8Array[]; readonly damage: Damage | null }> {
  try {
    return { batches: await log.read(offset, maxBytes, end), damage: null };
  } catch (error) {
    const { resumeOffset } = readFailureOf(error);
    if (resumeOffset === undefined || resumeOffset <= offset) throw error;
    return { batches: [], damage: { to: resumeOffset, error: error as Error } };
  }
}
