/**
 * SyncGroup, versions 0-5.
 *
 * - v0: baseline
 * - v1: throttle time
 * - v2: throttling happens after the response
 * - v3: group instance id (KIP-345)
 * - v4: flexible
 * - v5: protocol type and name, both ways (KIP-559)
 */
import { api, array, bytes, i16, i32, string } from "../schema.ts";

export const SyncGroup = api({
  key: 14,
  name: "SyncGroup",
  versions: "0-5",
  flexible: "4+",
  request: {
    groupId: string,
    generationId: i32,
    memberId: string,
    groupInstanceId: string.nullable().default(null).in("3+"),
    protocolType: string.nullable().default(null).in("5+"),
    protocolName: string.nullable().default(null).in("5+"),
    assignments: array({
      memberId: string,
      assignment: bytes,
    }),
  },
  response: {
    throttleTimeMs: i32.default(0).in("1+"),
    errorCode: i16,
    protocolType: string.nullable().default(null).in("5+"),
    protocolName: string.nullable().default(null).in("5+"),
    assignment: bytes,
  },
});
