/**
 * CreateTopics, version 0: topics are created, or would be.
 *
 * - v0: baseline
 */
import { array, bool, i32, string, struct, uuid } from "@tarpan/protocol";
import { controllerApi, outcome } from "./controller.ts";

export const CreateTopics = controllerApi({
  key: 10_012,
  name: "CreateTopics",
  versions: "0",
  request: {
    topics: array({
      name: string,
      numPartitions: i32,
      replicationFactor: i32,
      assignments: array({ partitionIndex: i32, brokerIds: array(i32) }),
      configs: array({ name: string, value: string.nullable() }),
    }),
    validateOnly: bool,
    internal: bool,
  },
  response: {
    topics: array({
      name: string,
      ...outcome,
      /** Null with an error. */
      topic: struct({
        id: uuid,
        numPartitions: i32,
        replicationFactor: i32,
        configs: array({ name: string, value: string }),
      }).nullable(),
    }),
  },
});
