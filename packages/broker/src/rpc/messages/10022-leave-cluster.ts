/**
 * LeaveCluster, version 0: a broker stops in order, and others lead its partitions.
 *
 * - v0: baseline
 */
import { i32, string } from "@tarpan/protocol";
import { controllerApi } from "./controller.ts";

export const LeaveCluster = controllerApi({
  key: 10_022,
  name: "LeaveCluster",
  versions: "0",
  request: {
    brokerId: i32,
    incarnationId: string,
  },
  response: {},
});
