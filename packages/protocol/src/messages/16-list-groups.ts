/**
 * ListGroups, versions 0-5.
 *
 * - v0: baseline
 * - v1: throttle time
 * - v2: throttling happens after the response
 * - v3: flexible
 * - v4: filter by state; state in the response (KIP-518)
 * - v5: filter by type; type in the response (KIP-848)
 */
import { api, array, i16, i32, string } from "../schema.ts";

export const ListGroups = api({
  key: 16,
  name: "ListGroups",
  versions: "0-5",
  flexible: "3+",
  request: {
    statesFilter: array(string).in("4+"),
    typesFilter: array(string).in("5+"),
  },
  response: {
    throttleTimeMs: i32.default(0).in("1+"),
    errorCode: i16,
    groups: array({
      groupId: string,
      protocolType: string,
      groupState: string.in("4+"),
      groupType: string.in("5+"),
    }),
  },
});
