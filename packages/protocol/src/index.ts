export * from "./acl-codes.ts";
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
export * from "./framing.ts";
export * from "./group-records/index.ts";
export { MAX_ELEMENTS_PER_FRAME, MAX_STRING_BYTES } from "./limits.ts";
export * from "./messages/index.ts";
export {
  decodeMetadataRecord,
  encodeMetadataRecord,
  type MetadataRecord,
  type MetadataRecordName,
} from "./metadata-records/framing.ts";
export * from "./metadata-records/index.ts";
export * from "./records/index.ts";
export * from "./schemas.ts";
export * from "./transaction-records/index.ts";
