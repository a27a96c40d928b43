import { useBroker } from "../harness/broker-process.ts";
import { peer } from "../harness/peers.ts";
import { peerSource } from "./peer.ts";
import { ALONE, programTransform, transformsExactlyOnce } from "./transactions-suite.ts";

const broker = useBroker(ALONE);
const python = peer("confluent-kafka-python-2");
const program = peerSource("confluent-kafka-python/transform.py");
const transform = programTransform(python.path, [program], { PYTHONPATH: python.modules });

transformsExactlyOnce(python.it, broker, transform);
