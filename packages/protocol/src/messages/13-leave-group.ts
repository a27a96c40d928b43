/**
 * LeaveGroup, versions 0-5.
 *
 * - v0: baseline
 * - v1: throttle time
 * - v2: throttling happens after the response
 * - v3: several members at once, by id or instance id (KIP-345)
 * - v4: flexible
 * - v5: reason (KIP-800)
 */
import { api, array, i16, i32, string } from "../schema.ts";

export const LeaveGroup = api({
  key: 13,
  name: "LeaveGroup",
  versions: "0-5",
  flexible: "4+",
  request: {
    groupId: string,
    memberId: string.in("0-2"),
    members: array({
      memberId: string,
      groupInstanceId: string.nullable().default(null),
      reason: string.nullable().default(null).in("5+"),
    }).in("3+"),
  },
  response: {
    throttleTimeMs: i32.default(0).in("1+"),
    errorCode: i16,
    members: array({
      memberId: string,
      groupInstanceId: string.nullable(),
      errorCode: i16,
    }).in("3+"),
  },
});
