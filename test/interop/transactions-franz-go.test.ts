import { useBroker } from "../harness/broker-process.ts";
import { peer } from "../harness/peers.ts";
import { ALONE, programTransform, transformsExactlyOnce } from "./transactions-suite.ts";

const broker = useBroker(ALONE);
const franzGo = peer("franz-go");

transformsExactlyOnce(franzGo.it, broker, programTransform(franzGo.path));
