/**
 * LedEndOffsets, version 0: where partitions end, of the broker that leads them.
 *
 * - v0: baseline
 */
import { api, array, i32, offset, string } from "@tarpan/protocol";

export const LedEndOffsets = api({
  key: 10_006,
  name: "LedEndOffsets",
  versions: "0",
  flexible: "0+",
  request: {
    partitions: array({ topic: string, partition: i32 }),
  },
  response: {
    /** One for each partition of the request; -1 where it is offline, or led elsewhere. */
    endOffsets: array(offset),
  },
});
