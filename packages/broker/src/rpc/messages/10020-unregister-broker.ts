/**
 * UnregisterBroker, version 0: a broker that is stopped is forgotten.
 *
 * - v0: baseline
 */
import { i32 } from "@tarpan/protocol";
import { controllerApi, outcome } from "./controller.ts";

export const UnregisterBroker = controllerApi({
  key: 10_020,
  name: "UnregisterBroker",
  versions: "0",
  request: {
    brokerId: i32,
  },
  response: outcome,
});
