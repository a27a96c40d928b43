import { it } from "vitest";
import { useClientBroker } from "../harness/client-broker.ts";
import { consumesThroughEverything, GROUP_BROKER } from "./group-suite.ts";
import { peerSource } from "./peer.ts";

const where = useClientBroker(GROUP_BROKER);

consumesThroughEverything(it, where, { protocol: "classic" }, (request) => ({
  path: process.execPath,
  args: [peerSource("kafkajs/member.mjs")],
  input: request,
}));
