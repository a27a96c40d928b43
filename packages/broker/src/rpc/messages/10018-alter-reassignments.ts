/**
 * AlterReassignments, version 0: replicas begin to move, or a move is cancelled.
 *
 * - v0: baseline
 */
import { array, bool, i32, string } from "@tarpan/protocol";
import { controllerApi, outcome, topicOutcomes } from "./controller.ts";

export const AlterReassignments = controllerApi({
  key: 10_018,
  name: "AlterReassignments",
  versions: "0",
  request: {
    topics: array({
      name: string,
      /** Null replicas cancel what is under way. */
      partitions: array({ partitionIndex: i32, replicas: array(i32).nullable() }),
    }),
    allowReplicationFactorChange: bool,
    timeoutMs: i32,
  },
  response: {
    ...outcome,
    topics: array(topicOutcomes),
  },
});
