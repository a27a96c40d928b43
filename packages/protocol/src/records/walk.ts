// The one loop that sees every record a broker accepts, so it is written for speed: positions live
// in locals, and a varint of one byte, the common case, costs no call (half the time of a reader
// object).
//
// 1. No byte at or past `end` is read: each read is preceded by its own comparison, so a length
//    that jumps too far is found by the next read, or by the record's length at the latest.
// 2. Nothing is allocated per record.
import { NO_TIMESTAMP } from "./batch-header.ts";
import { cursor, RecordFormatError, readVarint, readVarlong } from "./varint.ts";

/**
 * A first byte from here on has more bytes after it; also stands for a first byte that is missing.
 */
const LONG = 0x80;

/** What is asked of every record, and who hears of those that fail. */
export interface WalkRules {
  baseTimestamp: number;
  /**
   * Timestamps outside [earliest, latest] go to onTimestamp; the comparison is all that is done
   * here.
   */
  earliest: number;
  latest: number;
  /** Set where an offset delta is not the record's index. */
  misnumbered: boolean;
  onTimestamp(index: number, timestamp: number): void;
  onNullKey(index: number): void;
}

/**
 * Where a walk stopped when it throws: kept outside so that the loop holds no state to clean up.
 */
export const walked = { index: 0 };

/**
 * Walks `count` plain records that must fill [start, end) exactly. Returns the largest timestamp,
 * -1 at least. Throws RecordFormatError at the first malformed record, whose index is then
 * `walked.index`.
 */
export function walkRecords(
  bytes: Uint8Array,
  start: number,
  end: number,
  count: number,
  rules: WalkRules,
): number {
  if (end > bytes.length) throw new RangeError("end is past the bytes");
  const { baseTimestamp, earliest, latest } = rules;
  let max = NO_TIMESTAMP;
  let p = start;
  let field = 0;
  let delta = 0;
  for (let index = 0; index < count; index++) {
    walked.index = index;
    field = p < end ? bytes[p]! : LONG;
    if (field < LONG) {
      p++;
      field = (field >>> 1) ^ -(field & 1);
    } else {
      field = readVarint(bytes, p, end);
      p = cursor.at;
    }
    const recordEnd = p + field;
    p++; // attributes: none of its bits is in use
    delta = p < end ? bytes[p]! : LONG;
    if (delta < LONG) {
      p++;
      delta = (delta >>> 1) ^ -(delta & 1);
    } else {
      delta = readVarlong(bytes, p, end);
      p = cursor.at;
    }
    const timestamp = baseTimestamp + delta;
    if (timestamp > max) max = timestamp;
    if (timestamp < earliest || timestamp > latest) rules.onTimestamp(index, timestamp);
    field = p < end ? bytes[p]! : LONG;
    if (field < LONG) {
      p++;
      field = (field >>> 1) ^ -(field & 1);
    } else {
      field = readVarint(bytes, p, end);
      p = cursor.at;
    }
    if (field !== index) rules.misnumbered = true;
    field = p < end ? bytes[p]! : LONG;
    if (field < LONG) {
      p++;
      field = (field >>> 1) ^ -(field & 1);
    } else {
      field = readVarint(bytes, p, end);
      p = cursor.at;
    }
    if (field >= 0) p += field;
    else if (field === -1) rules.onNullKey(index);
    else throw malformed("key length", field);
    field = p < end ? bytes[p]! : LONG;
    if (field < LONG) {
      p++;
      field = (field >>> 1) ^ -(field & 1);
    } else {
      field = readVarint(bytes, p, end);
      p = cursor.at;
    }
    if (field > 0) p += field;
    else if (field < -1) throw malformed("value length", field);
    if (p < end && bytes[p] === 0) p++;
    else p = skipHeaders(bytes, p, end);
    // Also where a length was negative or too large for the batch: p can't have got there.
    if (p !== recordEnd) throw malformed("bytes off the record's length:", p - recordEnd);
  }
  if (p !== end) throw malformed("bytes after the last record:", end - p);
  return max;
}

/** Returns the position after the header count at `at` and its headers. */
function skipHeaders(bytes: Uint8Array, at: number, end: number): number {
  const count = readVarint(bytes, at, end);
  // A header takes two bytes or more, so a lying count is refused before the loop.
  if (count < 0 || count * 2 > end - cursor.at) throw malformed("header count", count);
  for (let i = 0; i < count; i++) {
    const keyLength = readVarint(bytes, cursor.at, end);
    if (keyLength < 0) throw malformed("header key length", keyLength);
    const valueLength = readVarint(bytes, cursor.at + keyLength, end);
    if (valueLength < -1) throw malformed("header value length", valueLength);
    if (valueLength > 0) cursor.at += valueLength;
  }
  return cursor.at;
}

function malformed(what: string, value: number): RecordFormatError {
  return new RecordFormatError(`${what} ${value}`);
}
