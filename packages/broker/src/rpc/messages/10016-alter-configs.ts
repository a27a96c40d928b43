/**
 * AlterConfigs, version 0: configs of topics, brokers and groups change, or would.
 *
 * - v0: baseline
 */
import { array, bool, i8, i32, string } from "@tarpan/protocol";
import { controllerApi, outcome } from "./controller.ts";

export const AlterConfigs = controllerApi({
  key: 10_016,
  name: "AlterConfigs",
  versions: "0",
  request: {
    resources: array({
      type: i8,
      name: string,
      replace: bool,
      /** A null value goes with operations that take none. */
      changes: array({ name: string, operation: i8, value: string.nullable() }),
    }),
    validateOnly: bool,
    nodeId: i32,
  },
  response: {
    /** One for each resource, in their order. */
    resources: array(outcome),
  },
});
