/**
 * DescribeQuorum, version 0: who replicates the metadata's log, and how far each is.
 *
 * - v0: baseline
 */
import { array, i32, offset } from "@tarpan/protocol";
import { controllerApi } from "./controller.ts";

const replica = {
  id: i32,
  logEndOffset: offset,
  /** Wall clock, ms since the epoch; -1 when unknown. */
  lastFetchMs: offset,
  lastCaughtUpMs: offset,
};

export const DescribeQuorum = controllerApi({
  key: 10_021,
  name: "DescribeQuorum",
  versions: "0",
  request: {},
  response: {
    /** -1 while there is none. */
    leaderId: i32,
    leaderEpoch: i32,
    highWatermark: offset,
    voters: array(replica),
    observers: array(replica),
  },
});
