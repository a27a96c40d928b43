/**
 * ListHalfMessages, version 0: half messages that wait in partitions led by the broker that is
 * asked.
 *
 * - v0: baseline
 */
import { api, array, bytes, i32, offset, string } from "@tarpan/protocol";
import { refusal } from "./operator.ts";

export const ListHalfMessages = api({
  key: 10_031,
  name: "ListHalfMessages",
  versions: "0",
  flexible: "0+",
  request: {
    id: bytes.nullable(),
    group: string.nullable(),
    /** The target topic. */
    topic: string.nullable(),
    limit: i32,
  },
  response: {
    refusal,
    messages: array({
      id: bytes,
      group: string,
      topic: string,
      /** -1: the partition of its key. */
      partition: i32,
      /** Zero or more: how many checks were sent. -1: committed. Less: rolled back. */
      progress: i32,
      /** When it is looked at next; the largest safe integer less one while a check is sent. */
      dueMs: offset,
      createdMs: offset,
      sizeBytes: i32,
    }),
  },
});
