/**
 * CreateOffsetsTopic, version 0: a coordinator needs `__consumer_offsets`.
 *
 * - v0: baseline
 */
import { controllerApi, outcome } from "./controller.ts";

export const CreateOffsetsTopic = controllerApi({
  key: 10_013,
  name: "CreateOffsetsTopic",
  versions: "0",
  request: {},
  response: outcome,
});
