import { useClientBroker } from "../harness/client-broker.ts";
import { consumesThroughEverything, GROUP_BROKER } from "./group-suite.ts";
import { peerSource } from "./peer.ts";

const where = useClientBroker(GROUP_BROKER);

// After a rejoin the client commits again what it was about to, whoever owns the partition by
// then: from a Kafka 4.1 broker the offsets of its groups go back as well, in either protocol.
const common = { offsetsMayGoBack: true, buffersThroughRejoins: true };

consumesThroughEverything(
  where,
  (["classic", "consumer"] as const).map((protocol) => ({
    kind: { protocol, ...common },
    client: (request) => ({
      path: process.execPath,
      args: [peerSource("platformatic/member.mjs")],
      input: request,
    }),
  })),
);
