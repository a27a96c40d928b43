/**
 * Heartbeat, versions 0-4.
 *
 * - v0: baseline
 * - v1: throttle time
 * - v2: throttling happens after the response
 * - v3: group instance id (KIP-345)
 * - v4: flexible
 */
import { api, i16, i32, string } from "../schema.ts";

export const Heartbeat = api({
  key: 12,
  name: "Heartbeat",
  versions: "0-4",
  flexible: "4+",
  request: {
    groupId: string,
    generationId: i32,
    memberId: string,
    groupInstanceId: string.nullable().default(null).in("3+"),
  },
  response: {
    throttleTimeMs: i32.default(0).in("1+"),
    errorCode: i16,
  },
});
