import { it } from "vitest";
import { useClientBroker } from "../harness/client-broker.ts";
import { consumesThroughEverything, GROUP_BROKER } from "./group-suite.ts";
import { peerSource } from "./peer.ts";

const where = useClientBroker(GROUP_BROKER);

for (const protocol of ["classic", "consumer"] as const) {
  consumesThroughEverything(it, where, { protocol }, (request) => ({
    path: process.execPath,
    args: [peerSource("platformatic/member.mjs")],
    input: request,
  }));
}
