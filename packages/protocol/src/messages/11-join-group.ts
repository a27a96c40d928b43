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
