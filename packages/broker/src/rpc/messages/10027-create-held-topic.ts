/**
 * CreateHeldTopic, version 0: a client wants to produce to a topic whose messages are held.
 *
 * - v0: baseline
 */
import { string } from "@tarpan/protocol";
import { controllerApi, outcome } from "./controller.ts";

export const CreateHeldTopic = controllerApi({
  key: 10_027,
  name: "CreateHeldTopic",
  versions: "0",
  request: { name: string },
  response: outcome,
});
