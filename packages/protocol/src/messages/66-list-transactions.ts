/**
 * ListTransactions, versions 0-2.
 *
 * - v0: baseline, flexible (KIP-664)
 * - v1: filter by duration (KIP-994)
 * - v2: filter by a pattern of the transactional id (KIP-1152)
 */
import { api, array, i16, i32, i64, offset, string } from "../schema.ts";

export const ListTransactions = api({
  key: 66,
  name: "ListTransactions",
  versions: "0-2",
  flexible: "0+",
  request: {
    stateFilters: array(string),
    producerIdFilters: array(offset),
    durationFilter: i64.default(-1n).in("1+"),
    transactionalIdPattern: string.nullable().default(null).in("2+"),
  },
  response: {
    throttleTimeMs: i32.default(0),
    errorCode: i16,
    unknownStateFilters: array(string),
    transactionStates: array({
      transactionalId: string,
      producerId: offset,
      transactionState: string,
    }),
  },
});
