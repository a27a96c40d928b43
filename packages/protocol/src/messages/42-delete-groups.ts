/**
 * DeleteGroups, versions 0-2.
 *
 * - v0: baseline
 * - v1: throttling happens after the response
 * - v2: flexible
 */
import { api, array, i16, i32, string } from "../schema.ts";

export const DeleteGroups = api({
  key: 42,
  name: "DeleteGroups",
  versions: "0-2",
  flexible: "2+",
  request: {
    groupsNames: array(string),
  },
  response: {
    throttleTimeMs: i32.default(0),
    results: array({
      groupId: string,
      errorCode: i16,
    }),
  },
});
