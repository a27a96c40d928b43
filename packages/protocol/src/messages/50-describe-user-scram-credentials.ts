/**
 * DescribeUserScramCredentials, version 0.
 *
 * - v0: baseline, flexible (KIP-554)
 */
import { api, array, i8, i16, i32, string } from "../schema.ts";

export const DescribeUserScramCredentials = api({
  key: 50,
  name: "DescribeUserScramCredentials",
  versions: "0",
  flexible: "0+",
  request: {
    users: array({
      name: string,
    }).nullable(),
  },
  response: {
    throttleTimeMs: i32.default(0),
    errorCode: i16,
    errorMessage: string.nullable(),
    results: array({
      user: string,
      errorCode: i16,
      errorMessage: string.nullable(),
      credentialInfos: array({
        mechanism: i8,
        iterations: i32,
      }),
    }),
  },
});
