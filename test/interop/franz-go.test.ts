import { useClientBroker } from "../harness/client-broker.ts";
import { peer } from "../harness/peers.ts";
import { programPeer } from "./peer.ts";
import * as suite from "./suite.ts";

const { address } = useClientBroker();
const franzGo = peer("franz-go");
const ask = programPeer(franzGo, [], address);

suite.administers(franzGo.it, ask);
suite.producesExactly(franzGo.it, address, ask);
suite.consumesExactly(franzGo.it, address, ask);
suite.skipsGaps(franzGo.it, address, ask);
suite.findsOffsets(franzGo.it, address, ask);
suite.deletesRecords(franzGo.it, address, ask);
