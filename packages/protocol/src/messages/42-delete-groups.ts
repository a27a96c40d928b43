/**
 * DeleteGroups, versions 0-3.
 *
 * - v0: baseline
 * - v1: throttling happens after the response
 * - v2: flexible
 * - v3: an error message for each group (KIP-1331)
 */
import { api, array, i16, i32, string } from "../schema.ts";

export const DeleteGroups = api({
  key: 42,
  name: "DeleteGroups",
  versions: "0-3",
  flexible: "2+",
  request: {
    groupsNames: array(string),
  },
  response: {
    throttleTimeMs: i32.default(0),
    results: array({
      groupId: string,
      errorCode: i16,
      errorMessage: string.nullable().default(null).in("3+"),
    }),
  },
});
