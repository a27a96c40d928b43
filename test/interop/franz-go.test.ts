import { useBroker } from "../harness/broker-process.ts";
import { peer } from "../harness/peers.ts";
import { programPeer } from "./peer.ts";
import * as suite from "./suite.ts";

const broker = useBroker();
const franzGo = peer("franz-go");
const ask = programPeer(franzGo, [], broker);

suite.administers(franzGo.it, ask);
suite.producesExactly(franzGo.it, broker, ask);
suite.consumesExactly(franzGo.it, broker, ask);
suite.findsOffsets(franzGo.it, broker, ask);
suite.deletesRecords(franzGo.it, broker, ask);
