/**
 * UserScramCredentialRecord, version 0: a user has a new SCRAM credential.
 */
import { bytes, i8, i32, record, string } from "../schema.ts";

export const UserScramCredentialRecord = record({
  key: 11,
  name: "UserScramCredentialRecord",
  versions: "0",
  flexible: "0+",
  fields: {
    name: string,
    mechanism: i8,
    salt: bytes,
    storedKey: bytes,
    serverKey: bytes,
    iterations: i32,
  },
});
