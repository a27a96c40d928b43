export * from "./batch-header.ts";
export { type Checksum, crc32c } from "./crc32c.ts";
export {
  type DecodedBatch,
  type DecodedRecord,
  type DecodeOptions,
  decodeBatch,
  decodeBatches,
  findRecordByTimestamp,
} from "./decode.ts";
export { type Compress, type Decompress, type PlainRecords, recordsField } from "./decompress.ts";
export { type BatchFields, encodeBatch, type RecordHeader, type RecordInput } from "./encode.ts";
export {
  type EndTransactionFields,
  type EndTransactionMarker,
  encodeEndTransaction,
  readEndTransaction,
} from "./end-transaction.ts";
export { findHeader } from "./find-header.ts";
export { keepRecords } from "./keep-records.ts";
export { DEFAULT_MAX_DECOMPRESSED_BYTES, MAX_RECORD_ERRORS } from "./limits.ts";
export { RecordWalk } from "./record-walk.ts";
export { renumberRecords } from "./renumber.ts";
export {
  emptyBatch,
  type KeptRecords,
  shiftTimestamps,
  withoutRecords,
  withRecords,
} from "./rewrite.ts";
export {
  type BatchAccepted,
  type BatchErrorKind,
  type BatchRefusal,
  type BatchRules,
  type RecordError,
  validateBatch,
} from "./validate.ts";
export { RecordFormatError } from "./varint.ts";
