/**
 * AddOffsetsToTxn, versions 0-4.
 *
 * - v0: baseline
 * - v1: throttling happens after the response
 * - v2: may answer PRODUCER_FENCED (KIP-588)
 * - v3: flexible
 * - v4: may answer TRANSACTION_ABORTABLE (KIP-890)
 */
import { api, i16, i32, offset, string } from "../schema.ts";

export const AddOffsetsToTxn = api({
  key: 25,
  name: "AddOffsetsToTxn",
  versions: "0-4",
  flexible: "3+",
  request: {
    transactionalId: string,
    producerId: offset,
    producerEpoch: i16,
    groupId: string,
  },
  response: {
    throttleTimeMs: i32.default(0),
    errorCode: i16,
  },
});
