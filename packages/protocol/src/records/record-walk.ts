import { cursor, RecordFormatError, readVarint, readVarlong } from "./varint.ts";

/**
 * Steps through the plain records of a batch, for code that keeps or drops whole records: it tells
 * where each record and its key are, and decodes nothing else. One walk is used for many batches,
 * so that nothing is allocated per record or batch.
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
    this.timestampDelta = readVarlong(bytes, cursor.at + 1, end); // after the attributes
    this.offsetDelta = readVarint(bytes, cursor.at, end);
    const keyLength = readVarint(bytes, cursor.at, end);
    const keyEnd = cursor.at + Math.max(keyLength, 0);
    if (keyEnd > end) throw new RecordFormatError(`key length ${keyLength}`);
    this.keyStart = keyLength < 0 ? -1 : cursor.at;
    this.keyEnd = keyLength < 0 ? -1 : keyEnd;
    this.isTombstone = readVarint(bytes, keyEnd, end) < 0;
    return true;
  }
}
