/**
 * RemoveAccessControlEntryRecord, version 0: an ACL was deleted.
 */
import { record, uuid } from "../schema.ts";

export const RemoveAccessControlEntryRecord = record({
  key: 19,
  name: "RemoveAccessControlEntryRecord",
  versions: "0",
  flexible: "0+",
  fields: { id: uuid },
});
