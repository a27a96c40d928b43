import { useClientBroker } from "../harness/client-broker.ts";
import { peer } from "../harness/peers.ts";
import { consumesThroughEverything, GROUP_BROKER } from "./group-suite.ts";

const where = useClientBroker(GROUP_BROKER);
const franzGo = peer("franz-go");

consumesThroughEverything(
  where,
  (["classic", "consumer"] as const).map((protocol) => ({
    peer: franzGo,
    kind: { protocol },
    client: (request) => ({ path: franzGo.path, args: [], input: request }),
  })),
);
