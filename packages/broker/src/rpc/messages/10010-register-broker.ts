/**
 * RegisterBroker, version 0: a broker starts, and is to be part of the cluster.
 *
 * - v0: baseline
 */
import { bool, i32, string } from "@tarpan/protocol";
import { controllerApi, outcome } from "./controller.ts";

export const RegisterBroker = controllerApi({
  key: 10_010,
  name: "RegisterBroker",
  versions: "0",
  request: {
    id: i32,
    incarnationId: string,
    host: string,
    port: i32,
    rack: string.nullable(),
    unclean: bool,
    returning: bool,
  },
  response: outcome,
});
