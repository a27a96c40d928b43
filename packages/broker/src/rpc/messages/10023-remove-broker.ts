/**
 * RemoveBroker, version 0: one step of a broker's way out of the cluster for good.
 *
 * - v0: baseline
 */
import { bool, i32 } from "@tarpan/protocol";
import { controllerApi, outcome } from "./controller.ts";

export const RemoveBroker = controllerApi({
  key: 10_023,
  name: "RemoveBroker",
  versions: "0",
  request: {
    brokerId: i32,
  },
  response: {
    ...outcome,
    /** Replicas that have not moved yet; -1 when that is unknown. */
    partitionsLeft: i32,
    done: bool,
  },
});
