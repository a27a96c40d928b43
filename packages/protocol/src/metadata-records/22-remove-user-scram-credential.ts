/**
 * RemoveUserScramCredentialRecord, version 0: a SCRAM credential of a user was deleted.
 */
import { i8, record, string } from "../schema.ts";

export const RemoveUserScramCredentialRecord = record({
  key: 22,
  name: "RemoveUserScramCredentialRecord",
  versions: "0",
  flexible: "0+",
  fields: {
    name: string,
    mechanism: i8,
  },
});
