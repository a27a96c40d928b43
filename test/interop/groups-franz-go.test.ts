import { useClientBroker } from "../harness/client-broker.ts";
import { peer } from "../harness/peers.ts";
import { consumesThroughEverything, GROUP_BROKER } from "./group-suite.ts";

const where = useClientBroker(GROUP_BROKER);
const franzGo = peer("franz-go");

for (const protocol of ["classic", "consumer"] as const) {
  consumesThroughEverything(franzGo.it, where, { protocol }, (request) => ({
    path: franzGo.path,
    args: [],
    input: request,
  }));
}
