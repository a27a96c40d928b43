import { hash } from "node:crypto";
import {
  findHeader,
  MAX_RECORD_ERRORS,
  type PlainRecords,
  type RecordError,
} from "@tarpan/protocol";
import { MAX_MESSAGE_ID_BYTES } from "./limits.ts";
import { HASH_WORDS } from "./message-id-table.ts";

/** The header of a record that holds its message id. */
export const MESSAGE_ID_HEADER = "tarpan-message-id";

const HEADER = new TextEncoder().encode(MESSAGE_ID_HEADER);

/**
 * The message ids of one batch, as hashes. Of SHA-256 the first 128 bits are kept: nobody can find
 * two ids of the same hash, which would make a record look like a copy of another one.
 */
export class BatchIds {
  /** Indexes of the records that have an id, ascending. */
  readonly indexes: number[] = [];
  /** HASH_WORDS for each of them. */
  readonly words: number[] = [];

  /** As with Kafka's `lastHeader`, the last one counts if a record has several. */
  set(index: number, id: Uint8Array): void {
    if (this.indexes.at(-1) === index) this.words.length -= HASH_WORDS;
    else this.indexes.push(index);
    const text = hash("sha256", id, "binary");
    for (let at = 0; at < HASH_WORDS * 4; at += 4) {
      const low = text.charCodeAt(at) | (text.charCodeAt(at + 1) << 8);
      this.words.push(low | (text.charCodeAt(at + 2) << 16) | (text.charCodeAt(at + 3) << 24));
    }
  }
}

/** The ids of `count` plain, validated records, null when none has one; or what is wrong. */
export function batchIdsOf(
  records: PlainRecords,
  count: number,
): { readonly ids: BatchIds | null; readonly errors: readonly RecordError[] } {
  const ids = new BatchIds();
  const errors: RecordError[] = [];
  findHeader(records, count, HEADER, (value, batchIndex) => {
    const sizeBytes = value?.byteLength ?? 0;
    if (sizeBytes > 0 && sizeBytes <= MAX_MESSAGE_ID_BYTES) ids.set(batchIndex, value!);
    else if (errors.length < MAX_RECORD_ERRORS) {
      const rule = `must have 1 to ${MAX_MESSAGE_ID_BYTES} bytes, not ${sizeBytes}`;
      errors.push({ batchIndex, message: `its ${MESSAGE_ID_HEADER} ${rule}` });
    }
  });
  return { ids: ids.indexes.length > 0 ? ids : null, errors };
}

/** The ids of a batch in the log, by offset delta. Ids that produce would refuse are left out. */
export function storedIdsOf(records: PlainRecords, count: number): BatchIds {
  const ids = new BatchIds();
  findHeader(records, count, HEADER, (value, _index, offsetDelta) => {
    const sizeBytes = value?.byteLength ?? 0;
    if (sizeBytes > 0 && sizeBytes <= MAX_MESSAGE_ID_BYTES) ids.set(offsetDelta, value!);
  });
  return ids;
}
