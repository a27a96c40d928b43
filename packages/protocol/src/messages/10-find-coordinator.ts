/**
 * FindCoordinator, versions 0-6.
 *
 * - v0: baseline: a group's coordinator
 * - v1: key type: group or transaction; error message, throttle time
 * - v2: throttling happens after the response
 * - v3: flexible
 * - v4: several keys at once (KIP-699)
 * - v5: may answer TRANSACTION_ABORTABLE (KIP-890)
 * - v6: key type of share groups (KIP-932)
 */
import { api, array, i8, i16, i32, string } from "../schema.ts";

export const FindCoordinator = api({
  key: 10,
  name: "FindCoordinator",
  versions: "0-6",
  flexible: "3+",
  request: {
    key: string.in("0-3"),
    keyType: i8.default(0).in("1+"),
    coordinatorKeys: array(string).in("4+"),
  },
  response: {
    throttleTimeMs: i32.default(0).in("1+"),
    errorCode: i16.in("0-3"),
    errorMessage: string.nullable().in("1-3"),
    nodeId: i32.in("0-3"),
    host: string.in("0-3"),
    port: i32.in("0-3"),
    coordinators: array({
      key: string,
      nodeId: i32,
      host: string,
      port: i32,
      errorCode: i16,
      errorMessage: string.nullable(),
    }).in("4+"),
  },
});
