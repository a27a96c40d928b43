/**
 * AccessControlEntryRecord, version 0: an ACL was created. The numbers are those of acl-codes.ts.
 */
import { i8, record, string, uuid } from "../schema.ts";

export const AccessControlEntryRecord = record({
  key: 18,
  name: "AccessControlEntryRecord",
  versions: "0",
  flexible: "0+",
  fields: {
    id: uuid,
    resourceType: i8,
    resourceName: string,
    patternType: i8,
    principal: string,
    host: string,
    operation: i8,
    permissionType: i8,
  },
});
