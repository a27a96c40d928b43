/**
 * DeleteTopics, version 0: topics are deleted, each named by its name or by its id.
 *
 * - v0: baseline
 */
import { array, string } from "@tarpan/protocol";
import { controllerApi, outcome } from "./controller.ts";

export const DeleteTopics = controllerApi({
  key: 10_014,
  name: "DeleteTopics",
  versions: "0",
  request: {
    /** One of the two is null. An id is a string here: a uuid on the wire can't be null. */
    topics: array({ name: string.nullable(), id: string.nullable() }),
  },
  response: {
    topics: array({ name: string.nullable(), id: string.nullable(), ...outcome }),
  },
});
