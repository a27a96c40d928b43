/**
 * PlanLedOffsets, version 0: where a reset would put a group in partitions of one topic, of the
 * broker that leads them. Nothing is changed.
 *
 * - v0: baseline
 */
import { api, array, i32, offset, string } from "@tarpan/protocol";
import { offsetMove, refusal, resetTarget } from "./operator.ts";

export const PlanLedOffsets = api({
  key: 10_007,
  name: "PlanLedOffsets",
  versions: "0",
  flexible: "0+",
  request: {
    topic: string,
    ...resetTarget,
    partitions: array({
      partition: i32,
      /** -1 when nothing is committed. */
      from: offset,
    }),
  },
  response: {
    refusal,
    moves: array(offsetMove),
  },
});
