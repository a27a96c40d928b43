/**
 * JoinGroup, versions 0-9.
 *
 * - v0: baseline
 * - v1: rebalance timeout
 * - v2: throttle time
 * - v3: throttling happens after the response
 * - v4: a new member is first given its id: MEMBER_ID_REQUIRED (KIP-394)
 * - v5: group instance id (KIP-345)
 * - v6: flexible
 * - v7: protocol type in the response (KIP-559)
 * - v8: reason (KIP-800)
 * - v9: the leader may be told to skip the assignment (KIP-814)
 */
import { api, array, bool, bytes, i16, i32, string } from "../schema.ts";

export const JoinGroup = api({
  key: 11,
  name: "JoinGroup",
  versions: "0-9",
  flexible: "6+",
  request: {
    groupId: string,
    sessionTimeoutMs: i32,
    rebalanceTimeoutMs: i32.default(-1).in("1+"),
    memberId: string,
    groupInstanceId: string.nullable().default(null).in("5+"),
    protocolType: string,
    protocols: array({
      name: string,
      metadata: bytes,
    }),
    reason: string.nullable().default(null).in("8+"),
  },
  response: {
    throttleTimeMs: i32.default(0).in("2+"),
    errorCode: i16,
    generationId: i32.default(-1),
    protocolType: string.nullable().default(null).in("7+"),
    protocolName: string.nullable("7+"),
    leader: string,
    skipAssignment: bool.default(false).in("9+"),
    memberId: string,
    members: array({
      memberId: string,
      groupInstanceId: string.nullable().default(null).in("5+"),
      metadata: bytes,
    }),
  },
});
