import { expect } from "vitest";
import { useClientBroker } from "../harness/client-broker.ts";
import { peer } from "../harness/peers.ts";
import { GROUP_BROKER } from "./group-suite.ts";
import { peerSource, programPeer } from "./peer.ts";
import * as suite from "./suite.ts";

const { address } = useClientBroker(GROUP_BROKER);
const python = peer("confluent-kafka-python");
const args = [peerSource("confluent-kafka-python/peer.py")];
const ask = programPeer(python, args, address);

suite.administers(python.it, ask);
suite.producesExactly(python.it, address, ask);
suite.consumesExactly(python.it, address, ask);
suite.skipsGaps(python.it, address, ask);
suite.findsOffsets(python.it, address, ask);

// Debian's librdkafka has no API for most of this, and asks for all topics in another way.
const recent = peer("confluent-kafka-python-2");
const askRecent = programPeer(recent, args, address, { PYTHONPATH: recent.modules });
suite.surveys(recent.it, address, askRecent, ["classic", "consumer"], {
  retention: "604800000",
  brokers: 1,
});

suite.transacts(recent.it, address, askRecent, "_FENCED");

recent.it("is told that there are no ACLs", async () => {
  expect(await askRecent("absent", "", {})).toEqual({
    acls: "SECURITY_DISABLED",
  });
});
