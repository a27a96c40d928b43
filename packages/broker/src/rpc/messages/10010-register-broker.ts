/**
 * RegisterBroker, versions 0-2: a broker starts, and is to be part of the cluster.
 *
 * - v0: baseline
 * - v1: the features that the broker supports; without them, UpdateFeatures is refused
 * - v2: all listeners; null if there is only PLAINTEXT
 */
import { array, bool, i16, i32, string } from "@tarpan/protocol";
import { controllerApi, outcome } from "./controller.ts";

export const RegisterBroker = controllerApi({
  key: 10_010,
  name: "RegisterBroker",
  versions: "0-2",
  request: {
    id: i32,
    incarnationId: string,
    host: string,
    port: i32,
    rack: string.nullable(),
    unclean: bool,
    returning: bool,
    features: array({ name: string, minVersion: i16, maxVersion: i16 }).in("1+"),
    endPoints: array({ name: string, host: string, port: i32, securityProtocol: i16 })
      .nullable()
      .default(null)
      .in("2+"),
  },
  response: outcome,
});
