import { useClientBroker } from "../harness/client-broker.ts";
import { peer } from "../harness/peers.ts";
import { GROUP_BROKER } from "./group-suite.ts";
import { peerSource, programPeer, SAMPLE } from "./peer.ts";
import * as suite from "./suite.ts";

const { address } = useClientBroker(GROUP_BROKER);
const javascript = peer("kafka-javascript");
const env = { NODE_PATH: javascript.modules };
const ask = programPeer(javascript, [peerSource("kafka-javascript/peer.mjs")], address, env);
// The other codecs are librdkafka's too, and are tested with its Python client.
const codecs = ["none", "gzip"] as const;
// This client sends empty values as null.
const sample = SAMPLE.filter(({ value }) => value !== "").map((record) => ({
  ...record,
  headers: record.headers.filter(([, value]) => value !== ""),
}));

suite.producesExactly(javascript.it, address, ask, { codecs, sample });
suite.consumesExactly(javascript.it, address, ask, { codecs });
suite.skipsGaps(javascript.it, address, ask);
suite.surveys(javascript.it, address, ask, ["classic", "consumer"]);
suite.transacts(javascript.it, address, ask, "ERR__FENCED");
