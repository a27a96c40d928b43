/**
 * DescribeGroups, versions 0-6.
 *
 * - v0: baseline
 * - v1: throttle time
 * - v2: throttling happens after the response
 * - v3: authorized operations on request (KIP-430)
 * - v4: group instance ids of members (KIP-345)
 * - v5: flexible
 * - v6: an unknown group is GROUP_ID_NOT_FOUND, with a message (KIP-1043)
 */
import { api, array, bool, bytes, i16, i32, string } from "../schema.ts";

export const DescribeGroups = api({
  key: 15,
  name: "DescribeGroups",
  versions: "0-6",
  flexible: "5+",
  request: {
    groups: array(string),
    includeAuthorizedOperations: bool.in("3+"),
  },
  response: {
    throttleTimeMs: i32.default(0).in("1+"),
    groups: array({
      errorCode: i16,
      errorMessage: string.nullable().default(null).in("6+"),
      groupId: string,
      groupState: string,
      protocolType: string,
      protocolData: string,
      members: array({
        memberId: string,
        groupInstanceId: string.nullable().default(null).in("4+"),
        clientId: string,
        clientHost: string,
        memberMetadata: bytes,
        memberAssignment: bytes,
      }),
      authorizedOperations: i32.default(-2147483648).in("3+"),
    }),
  },
});
