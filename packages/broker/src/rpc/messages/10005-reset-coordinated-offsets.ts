/**
 * ResetCoordinatedOffsets, version 0: a group's offsets of one topic go elsewhere, or would.
 *
 * - v0: baseline
 */
import { api, array, bool, i32, string } from "@tarpan/protocol";
import { offsetMove, refusal, resetTarget } from "./operator.ts";

export const ResetCoordinatedOffsets = api({
  key: 10_005,
  name: "ResetCoordinatedOffsets",
  versions: "0",
  flexible: "0+",
  request: {
    groupId: string,
    topic: string,
    /** Null for all of the topic. */
    partitions: array(i32).nullable(),
    ...resetTarget,
    /** False only plans. */
    execute: bool,
  },
  response: {
    refusal,
    moves: array(offsetMove),
  },
});
