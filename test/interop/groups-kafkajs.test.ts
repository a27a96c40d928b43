import { useClientBroker } from "../harness/client-broker.ts";
import { consumesThroughEverything, GROUP_BROKER } from "./group-suite.ts";
import { peerSource } from "./peer.ts";

const where = useClientBroker(GROUP_BROKER);

consumesThroughEverything(where, [
  {
    kind: { protocol: "classic" },
    client: (request) => ({
      path: process.execPath,
      args: [peerSource("kafkajs/member.mjs")],
      input: request,
    }),
  },
]);
