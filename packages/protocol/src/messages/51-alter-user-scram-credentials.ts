/**
 * AlterUserScramCredentials, version 0.
 *
 * - v0: baseline, flexible (KIP-554)
 */
import { api, array, bytes, i8, i16, i32, string } from "../schema.ts";

export const AlterUserScramCredentials = api({
  key: 51,
  name: "AlterUserScramCredentials",
  versions: "0",
  flexible: "0+",
  request: {
    deletions: array({
      name: string,
      mechanism: i8,
    }),
    upsertions: array({
      name: string,
      mechanism: i8,
      iterations: i32,
      salt: bytes,
      saltedPassword: bytes,
    }),
  },
  response: {
    throttleTimeMs: i32.default(0),
    results: array({
      user: string,
      errorCode: i16,
      errorMessage: string.nullable(),
    }),
  },
});
