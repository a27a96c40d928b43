/**
 * InitProducerId, versions 0-5.
 *
 * - v0: baseline
 * - v1: throttling happens after the response
 * - v2: flexible
 * - v3: a producer can give its id and epoch to have the epoch raised (KIP-360)
 * - v4: may answer PRODUCER_FENCED (KIP-588)
 * - v5: may answer TRANSACTION_ABORTABLE (KIP-890)
 */
import { api, i16, i32, offset, string } from "../schema.ts";

export const InitProducerId = api({
  key: 22,
  name: "InitProducerId",
  versions: "0-5",
  flexible: "2+",
  request: {
    transactionalId: string.nullable(),
    transactionTimeoutMs: i32,
    producerId: offset.default(-1).in("3+"),
    producerEpoch: i16.default(-1).in("3+"),
  },
  response: {
    throttleTimeMs: i32.default(0),
    errorCode: i16,
    producerId: offset.default(-1),
    producerEpoch: i16,
  },
});
