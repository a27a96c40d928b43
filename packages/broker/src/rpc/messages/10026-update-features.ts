/**
 * UpdateFeatures, version 0: finalized levels of features change, all of them or none.
 *
 * - v0: baseline
 */
import { array, bool, i8, i16, i32, string } from "@tarpan/protocol";
import { controllerApi, outcome } from "./controller.ts";

export const UpdateFeatures = controllerApi({
  key: 10_026,
  name: "UpdateFeatures",
  versions: "0",
  request: {
    updates: array({ name: string, level: i16, upgradeType: i8 }),
    validateOnly: bool,
    timeoutMs: i32,
  },
  response: outcome,
});
