/**
 * UnregisterBroker, version 0: removes a broker from the cluster for good.
 *
 * - v0: baseline, flexible (KIP-631)
 */
import { api, i16, i32, string } from "../schema.ts";

export const UnregisterBroker = api({
  key: 64,
  name: "UnregisterBroker",
  versions: "0",
  flexible: "0+",
  request: {
    brokerId: i32,
  },
  response: {
    throttleTimeMs: i32.default(0),
    errorCode: i16,
    errorMessage: string.nullable(),
  },
});
