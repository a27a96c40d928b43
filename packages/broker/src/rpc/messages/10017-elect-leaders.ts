/**
 * ElectLeaders, version 0: partitions get another leader now.
 *
 * - v0: baseline
 */
import { array, i8, i32, string } from "@tarpan/protocol";
import { controllerApi, outcome, topicOutcomes } from "./controller.ts";

export const ElectLeaders = controllerApi({
  key: 10_017,
  name: "ElectLeaders",
  versions: "0",
  request: {
    type: i8,
    /** Null asks for all. */
    partitions: array({ topic: string, partitions: array(i32) }).nullable(),
    timeoutMs: i32,
  },
  response: {
    ...outcome,
    topics: array(topicOutcomes),
  },
});
