/**
 * CreatePartitions, version 0: topics get more partitions, or would.
 *
 * - v0: baseline
 */
import { array, bool, i32, string } from "@tarpan/protocol";
import { controllerApi, outcome } from "./controller.ts";

export const CreatePartitions = controllerApi({
  key: 10_015,
  name: "CreatePartitions",
  versions: "0",
  request: {
    topics: array({
      name: string,
      count: i32,
      /** Null lets the controller place the new partitions. */
      assignments: array({ brokerIds: array(i32) }).nullable(),
    }),
    validateOnly: bool,
  },
  response: {
    topics: array({ name: string, ...outcome }),
  },
});
