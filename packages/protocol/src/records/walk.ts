// The loop over every record that a broker accepts, written for speed: positions are local
// variables, and a varint of one byte, the common case, needs no call. It takes half the time of a
// reader object.
//
// 1. No byte at or after `end` is read: a comparison precedes each read. So a length that is too
//    large is detected by the next read, or at the latest by the check of the record's length.
// 2. Nothing is allocated per record.
import { NO_TIMESTAMP } from "./batch-header.ts";
import { cursor, RecordFormatError, readVarint, readVarlong } from "./varint.ts";

/**
 * A first byte of this value or more begins a varint of several bytes. Also used if it is missing.
 */
const LONG = 0x80;

/** The checks of each record, and the callbacks for records that fail them. */
export interface WalkRules {
  baseTimestamp: number;
  /**
   * Timestamps outside [earliest, latest] go to onTimestamp.
   */
  earliest: number;
  latest: number;
  /** Set if an offset delta is not the record's index. */
  misnumbered: boolean;
  onTimestamp(index: number, timestamp: number): void;
  onNullKey(index: number): void;
}

/** The index of the record at which a walk has thrown. Global: the loop needs no try and catch. */
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
    // This also finds a length that was negative or too large for the batch.
    if (p !== recordEnd) throw malformed("bytes off the record's length:", p - recordEnd);
  }
  if (p !== end) throw malformed("bytes after the last record:", end - p);
  return max;
}

/** Returns the position after the header count at `at` and its headers. */
function skipHeaders(bytes: Uint8Array, at: number, end: number): number {
  const count = readVarint(bytes, at, end);
  // A header takes at least two bytes, so a count that is too large is refused before the loop.
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
