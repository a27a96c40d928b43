/**
 * DeliverHeld, version 0: appends held messages to a partition, once for their producer id and
 * sequence.
 *
 * - v0: baseline
 */
import { api, bytes, i16, i32, offset, string, uuid } from "@tarpan/protocol";

export const DeliverHeld = api({
  key: 10_028,
  name: "DeliverHeld",
  versions: "0",
  flexible: "0+",
  request: {
    topicId: uuid,
    partition: i32,
    /** One batch. */
    batch: bytes,
    /**
     * When the batch was first sent, ms since the epoch, if it may have been appended then; else
     * -1.
     */
    doubtSinceMs: offset,
  },
  response: { errorCode: i16, errorMessage: string.nullable() },
});
