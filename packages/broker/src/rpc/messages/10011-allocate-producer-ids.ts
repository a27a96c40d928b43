/**
 * AllocateProducerIds, version 0: a block of producer ids for one broker alone.
 *
 * - v0: baseline
 */
import { i32, offset } from "@tarpan/protocol";
import { controllerApi } from "./controller.ts";

export const AllocateProducerIds = controllerApi({
  key: 10_011,
  name: "AllocateProducerIds",
  versions: "0",
  request: {
    nodeId: i32,
  },
  response: {
    firstProducerId: offset,
  },
});
