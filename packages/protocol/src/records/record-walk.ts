import type { BatchHeader } from "./batch-header.ts";
import { type DecodedRecord, RecordReader } from "./decode.ts";
import { readHeader, readValue } from "./find-header.ts";
import { cursor, RecordFormatError, readVarint, readVarlong } from "./varint.ts";

/**
 * Steps through the plain records of a batch, for code that looks at a few of their bytes: it tells
 * where each record and its key are, and decodes the rest only when asked. One walk is used for
 * many batches, so that nothing is allocated per record or batch.
 */
export class RecordWalk {
  bytes: Uint8Array = new Uint8Array(0);
  /** The current record, with its length field. */
  start = 0;
  end = 0;
  timestampDelta = 0;
  offsetDelta = 0;
  /** The current record's key; -1 when it has none. */
  keyStart = -1;
  keyEnd = -1;
  /** Whether the value is null: the record says that its key was deleted. */
  isTombstone = false;
  #bodyStart = 0;
  #headersAt = 0;
  #left = 0;
  #fieldEnd = 0;

  /** Begins with the `count` records that fill [start, end) of `bytes`. */
  begin(bytes: Uint8Array, start: number, end: number, count: number): void {
    this.bytes = bytes;
    this.end = start;
    this.#fieldEnd = end;
    this.#left = count;
  }

  /** Steps to the next record; false after the last one. Throws RecordFormatError. */
  next(): boolean {
    if (this.#left === 0) {
      if (this.end !== this.#fieldEnd) throw new RecordFormatError("bytes after the last record");
      return false;
    }
    this.#left -= 1;
    const { bytes } = this;
    this.start = this.end;
    const length = readVarint(bytes, this.start, this.#fieldEnd);
    const end = cursor.at + length;
    if (length < 0 || end > this.#fieldEnd) throw new RecordFormatError(`record length ${length}`);
    this.end = end;
    this.#bodyStart = cursor.at;
    this.timestampDelta = readVarlong(bytes, cursor.at + 1, end); // after the attributes
    this.offsetDelta = readVarint(bytes, cursor.at, end);
    const keyLength = readVarint(bytes, cursor.at, end);
    const keyEnd = cursor.at + Math.max(keyLength, 0);
    if (keyEnd > end) throw new RecordFormatError(`key length ${keyLength}`);
    this.keyStart = keyLength < 0 ? -1 : cursor.at;
    this.keyEnd = keyLength < 0 ? -1 : keyEnd;
    const valueLength = readVarint(bytes, keyEnd, end);
    this.isTombstone = valueLength < 0;
    this.#headersAt = cursor.at + Math.max(valueLength, 0);
    return true;
  }

  /**
   * The value of the current record's last header named `name` (in UTF-8), as a view; null when it
   * has none, or one without a value. Throws RecordFormatError.
   */
  header(name: Uint8Array): Uint8Array | null {
    const { bytes, end } = this;
    const count = readVarint(bytes, this.#headersAt, end);
    let found: Uint8Array | null = null;
    let at = cursor.at;
    for (let n = 0; n < count; n++) {
      at = readHeader(bytes, at, end, name);
      if (readValue.isNamed) found = readValue.value;
    }
    return found;
  }

  /** The current record as an object. `header` is its batch's. Throws RecordFormatError. */
  decode(header: BatchHeader): DecodedRecord {
    return new RecordReader(this.bytes, header).read(this.#bodyStart, this.end);
  }
}
