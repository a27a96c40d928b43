/**
 * EndTxn, versions 0-5.
 *
 * - v0: baseline
 * - v1: throttling happens after the response
 * - v2: may answer PRODUCER_FENCED (KIP-588)
 * - v3: flexible
 * - v4: may answer TRANSACTION_ABORTABLE (KIP-890)
 * - v5: each transaction raises the epoch, so the response carries id and epoch (KIP-890)
 */
import { api, bool, i16, i32, offset, string } from "../schema.ts";

export const EndTxn = api({
  key: 26,
  name: "EndTxn",
  versions: "0-5",
  flexible: "3+",
  request: {
    transactionalId: string,
    producerId: offset,
    producerEpoch: i16,
    committed: bool,
  },
  response: {
    throttleTimeMs: i32.default(0),
    errorCode: i16,
    producerId: offset.default(-1).in("5+"),
    producerEpoch: i16.default(-1).in("5+"),
  },
});
