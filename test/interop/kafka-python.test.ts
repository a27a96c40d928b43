import { useBroker } from "../harness/broker-process.ts";
import { peer } from "../harness/peers.ts";
import { peerSource, programPeer } from "./peer.ts";
import * as suite from "./suite.ts";

const broker = useBroker();
const python = peer("kafka-python");
const ask = programPeer(python, [peerSource("kafka-python/peer.py")], broker);

suite.administers(python.it, ask);
suite.producesExactly(python.it, broker, ask);
suite.consumesExactly(python.it, broker, ask);
suite.findsOffsets(python.it, broker, ask);
