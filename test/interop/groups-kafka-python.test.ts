import { useClientBroker } from "../harness/client-broker.ts";
import { peer } from "../harness/peers.ts";
import { consumesThroughEverything, GROUP_BROKER } from "./group-suite.ts";
import { peerSource } from "./peer.ts";

const where = useClientBroker(GROUP_BROKER);
const python = peer("kafka-python");

consumesThroughEverything(where, [
  {
    peer: python,
    kind: { protocol: "classic" },
    client: (request) => ({
      path: python.path,
      args: [peerSource("kafka-python/member.py")],
      input: request,
    }),
  },
]);
