export { type Codec, codecOf, type RecordCodec, recordCodec } from "./codec.ts";
export {
  type ConsumerAssignment,
  type ConsumerSubscription,
  consumerProtocolRecords,
  decodeConsumerAssignment,
  decodeConsumerSubscription,
  encodeConsumerAssignment,
  encodeConsumerSubscription,
} from "./consumer-protocol/index.ts";
export { ErrorCode, type ErrorName, errorOf, type KafkaError } from "./errors.ts";
export { decodeRequest, decodeResponse, encodeRequest, encodeResponse } from "./frames.ts";
export * from "./group-records/index.ts";
export {
  type RequestHeader,
  readRequestHeader,
  readResponseHeader,
  requestHeaderVersion,
  responseHeaderVersion,
  writeRequestHeader,
  writeResponseHeader,
} from "./headers.ts";
export { MAX_ELEMENTS_PER_FRAME, MAX_STRING_BYTES } from "./limits.ts";
export * from "./messages/index.ts";
export {
  decodeMetadataRecord,
  encodeMetadataRecord,
  type MetadataRecord,
  type MetadataRecordName,
} from "./metadata-records/framing.ts";
export * from "./metadata-records/index.ts";
export { ProtocolError } from "./protocol-error.ts";
export { Reader } from "./reader.ts";
export * from "./records/index.ts";
export * from "./schema.ts";
export { includes, rangeOf } from "./versions.ts";
export { Writer } from "./writer.ts";
