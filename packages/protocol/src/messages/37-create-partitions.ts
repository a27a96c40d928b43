/**
 * CreatePartitions, versions 0-3.
 *
 * - v0: baseline
 * - v1: throttling happens after the response
 * - v2: flexible
 * - v3: may answer THROTTLING_QUOTA_EXCEEDED (KIP-599)
 */
import { api, array, bool, i16, i32, string } from "../schema.ts";

export const CreatePartitions = api({
  key: 37,
  name: "CreatePartitions",
  versions: "0-3",
  flexible: "2+",
  request: {
    topics: array({
      name: string,
      count: i32,
      assignments: array({
        brokerIds: array(i32),
      }).nullable(),
    }),
    timeoutMs: i32,
    validateOnly: bool,
  },
  response: {
    throttleTimeMs: i32.default(0),
    results: array({
      name: string,
      errorCode: i16,
      errorMessage: string.nullable().default(null),
    }),
  },
});
