import { useClientBroker } from "../harness/client-broker.ts";
import { consumesThroughEverything, GROUP_BROKER } from "./group-suite.ts";
import { peerSource } from "./peer.ts";

const where = useClientBroker(GROUP_BROKER);

// After a rebalance the client sends its pending commits again, even if another member owns the
// partition. So offsets go back, also with a Kafka 4.1 broker, in both protocols.
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
