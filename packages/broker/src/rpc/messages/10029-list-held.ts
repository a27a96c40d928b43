/**
 * ListHeld, version 0: messages that wait in partitions led by the broker that is asked.
 *
 * - v0: baseline
 */
import { api, array, bytes, i32, offset, string } from "@tarpan/protocol";
import { refusal } from "./operator.ts";

export const ListHeld = api({
  key: 10_029,
  name: "ListHeld",
  versions: "0",
  flexible: "0+",
  request: {
    id: bytes.nullable(),
    /** The target topic. */
    topic: string.nullable(),
    fromMs: offset,
    toMs: offset,
    limit: i32,
  },
  response: {
    refusal,
    messages: array({
      id: bytes,
      topic: string,
      /** -1: the partition of its key. */
      partition: i32,
      dueMs: offset,
      sizeBytes: i32,
    }),
  },
});
