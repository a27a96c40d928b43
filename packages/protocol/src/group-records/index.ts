export {
  decodeGroupRecord,
  type EncodedGroupRecord,
  encodeGroupRecord,
  type GroupKey,
  type GroupRecord,
  type GroupRecordName,
  type GroupValue,
  type GroupValueInput,
} from "./framing.ts";
export { groupRecords, TransactionResult } from "./schemas.ts";
