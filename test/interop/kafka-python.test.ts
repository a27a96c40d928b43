import { useClientBroker } from "../harness/client-broker.ts";
import { peer } from "../harness/peers.ts";
import { peerSource, programPeer } from "./peer.ts";
import * as suite from "./suite.ts";

const { address } = useClientBroker();
const python = peer("kafka-python");
const ask = programPeer(python, [peerSource("kafka-python/peer.py")], address);

suite.administers(python.it, ask);
suite.producesExactly(python.it, address, ask);
suite.consumesExactly(python.it, address, ask);
suite.skipsGaps(python.it, address, ask);
suite.findsOffsets(python.it, address, ask);
