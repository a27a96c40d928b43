// Decodes records into objects: for clients, tools and state machines, not for a hot path.
import {
  BATCH_OVERHEAD,
  type BatchHeader,
  batchCrcMatches,
  batchSizeAt,
  LOG_OVERHEAD,
  MAGIC_V2,
  readBatchHeaderFrom,
  viewOf,
} from "./batch-header.ts";
import type { Checksum } from "./crc32c.ts";
import { type Decompress, recordsField } from "./decompress.ts";
import type { RecordHeader } from "./encode.ts";
import { DEFAULT_MAX_DECOMPRESSED_BYTES } from "./limits.ts";
import { decodeText } from "./text.ts";
import { cursor, RecordFormatError, readVarint, readVarlong } from "./varint.ts";

export interface DecodeOptions {
  /** Required for compressed batches. */
  decompress?: Decompress;
  maxDecompressedBytes?: number;
  /** If given, each batch's CRC is checked before its records are read. */
  crc32c?: Checksum;
}

export interface DecodedRecord {
  offset: number;
  /** Ms since the epoch, or -1 for none. */
  timestamp: number;
  /** A view of the batch, as are the value and the header values: copy bytes that you keep. */
  key: Uint8Array | null;
  value: Uint8Array | null;
  headers: readonly RecordHeader[];
}

export interface DecodedBatch {
  header: BatchHeader;
  /** The whole batch. */
  bytes: Uint8Array;
  /** Decodes one record per step. Throws RecordFormatError on malformed bytes. */
  records(): Generator<DecodedRecord, void, undefined>;
}

/**
 * Yields the batches of a Fetch response's records field, given as one buffer or as consecutive
 * buffers of whole batches. A cut-off batch at the end is skipped: a response may end anywhere
 * (KIP-74). Throws RecordFormatError for bytes that are not a batch of magic 2.
 */
export function* decodeBatches(
  field: Uint8Array | readonly Uint8Array[],
  options: DecodeOptions = {},
): Generator<DecodedBatch, void, undefined> {
  const pieces = field instanceof Uint8Array ? [field] : field;
  for (const [index, bytes] of pieces.entries()) {
    const view = viewOf(bytes);
    let at = 0;
    while (bytes.length - at >= LOG_OVERHEAD) {
      const sizeBytes = batchSizeAt(view, at);
      if (sizeBytes < BATCH_OVERHEAD) throw new RecordFormatError(`a batch of ${sizeBytes} bytes`);
      if (sizeBytes > bytes.length - at) break;
      yield decodeBatch(bytes.subarray(at, at + sizeBytes), options);
      at += sizeBytes;
    }
    if (at < bytes.length && index < pieces.length - 1) {
      throw new RecordFormatError("a batch is cut off in the middle of the records");
    }
  }
}

/** `bytes` is one whole batch. */
export function decodeBatch(bytes: Uint8Array, options: DecodeOptions = {}): DecodedBatch {
  const header = readBatchHeaderFrom(viewOf(bytes), 0);
  if (header.magic !== MAGIC_V2) throw new RecordFormatError(`magic ${header.magic}`);
  if (header.sizeBytes !== bytes.length) throw new RecordFormatError("not one whole batch");
  return { header, bytes, records: () => decodeRecords(bytes, header, options) };
}

/**
 * The first record at or after `timestamp` whose offset is at least `startOffset`, for ListOffsets;
 * null if there is none. `bytes` is one whole batch.
 */
export function findRecordByTimestamp(
  bytes: Uint8Array,
  timestamp: number,
  startOffset: number,
  options: DecodeOptions = {},
): { offset: number; timestamp: number } | null {
  const batch = decodeBatch(bytes, options);
  if (batch.header.maxTimestamp < timestamp) return null;
  for (const record of batch.records()) {
    if (record.timestamp >= timestamp && record.offset >= startOffset) {
      return { offset: record.offset, timestamp: record.timestamp };
    }
  }
  return null;
}

function* decodeRecords(
  bytes: Uint8Array,
  header: BatchHeader,
  options: DecodeOptions,
): Generator<DecodedRecord, void, undefined> {
  const { decompress = noDecompressor, crc32c } = options;
  if (crc32c && !batchCrcMatches(bytes, 0, bytes.length, crc32c)) {
    throw new RecordFormatError(
      `the CRC of the batch at offset ${header.baseOffset} does not match`,
    );
  }
  const limit = options.maxDecompressedBytes ?? DEFAULT_MAX_DECOMPRESSED_BYTES;
  const field = recordsField(bytes, header, decompress, limit);
  const reader = new RecordReader(field.bytes, header);
  let at = field.start;
  for (let i = 0; i < header.recordCount; i++) {
    const length = readVarint(field.bytes, at, field.end);
    at = cursor.at + length;
    if (length < 0 || at > field.end) throw new RecordFormatError(`record length ${length}`);
    yield reader.read(cursor.at, at);
  }
}

const NO_HEADERS: readonly RecordHeader[] = Object.freeze([]);

/**
 * Reads records. Keeps its own position and end, since other code moves `cursor` during a yield.
 */
export class RecordReader {
  readonly #bytes: Uint8Array;
  readonly #header: BatchHeader;
  #at = 0;
  #end = 0;

  constructor(bytes: Uint8Array, header: BatchHeader) {
    this.#bytes = bytes;
    this.#header = header;
  }

  /** Reads the record in [start, end). */
  read(start: number, end: number): DecodedRecord {
    const header = this.#header;
    this.#at = start + 1; // attributes: none of its bits is in use
    this.#end = end;
    const created = header.baseTimestamp + readVarlong(this.#bytes, this.#at, end);
    this.#at = cursor.at;
    const offset = header.baseOffset + this.#varint();
    const timestamp = header.timestampType === "LogAppendTime" ? header.maxTimestamp : created;
    const key = this.#field();
    const value = this.#field();
    const headers = this.#headers();
    if (this.#at !== end) throw new RecordFormatError("bytes left over in a record");
    return { offset, timestamp, key, value, headers };
  }

  #headers(): readonly RecordHeader[] {
    const count = this.#varint();
    if (count === 0) return NO_HEADERS;
    // A header takes at least two bytes, so a count that is too large is refused before the loop.
    if (count < 0 || count * 2 > this.#end - this.#at) {
      throw new RecordFormatError(`header count ${count}`);
    }
    const headers: RecordHeader[] = [];
    for (let i = 0; i < count; i++) {
      const key = this.#field();
      if (key === null) throw new RecordFormatError("a header without a key");
      headers.push({ key: decodeText(key), value: this.#field() });
    }
    return headers;
  }

  /** Reads a length and that many bytes; length -1 means null. */
  #field(): Uint8Array | null {
    const length = this.#varint();
    if (length === -1) return null;
    const start = this.#at;
    if (length < -1 || length > this.#end - start) throw new RecordFormatError(`length ${length}`);
    this.#at = start + length;
    return this.#bytes.subarray(start, start + length);
  }

  #varint(): number {
    const value = readVarint(this.#bytes, this.#at, this.#end);
    this.#at = cursor.at;
    return value;
  }
}

function noDecompressor(codec: number): never {
  throw new TypeError(`a batch uses compression ${codec}, and no decompress function was given`);
}
