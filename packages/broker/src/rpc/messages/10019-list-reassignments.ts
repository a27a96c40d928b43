/**
 * ListReassignments, version 0: the moves of replicas that are under way.
 *
 * - v0: baseline
 */
import { array, i32, string } from "@tarpan/protocol";
import { controllerApi, outcome } from "./controller.ts";

export const ListReassignments = controllerApi({
  key: 10_019,
  name: "ListReassignments",
  versions: "0",
  request: {
    /** Null asks for all. */
    topics: array({ name: string, partitionIndexes: array(i32) }).nullable(),
  },
  response: {
    ...outcome,
    topics: array({
      name: string,
      partitions: array({
        partition: i32,
        replicas: array(i32),
        adding: array(i32),
        removing: array(i32),
      }),
    }),
  },
});
