import { useClientBroker } from "../harness/client-broker.ts";
import { peer } from "../harness/peers.ts";
import { consumesThroughEverything, GROUP_BROKER } from "./group-suite.ts";
import { peerSource } from "./peer.ts";

const where = useClientBroker(GROUP_BROKER);
const debian = peer("confluent-kafka-python");
const recent = peer("confluent-kafka-python-2");
const args = [peerSource("confluent-kafka-python/member.py")];

for (const assignor of ["range", "cooperative-sticky"]) {
  consumesThroughEverything(debian.it, where, { protocol: "classic", assignor }, (request) => ({
    path: debian.path,
    args,
    input: request,
  }));
}

// Debian's librdkafka is from before KIP-848.
consumesThroughEverything(recent.it, where, { protocol: "consumer" }, (request) => ({
  path: recent.path,
  args,
  env: { PYTHONPATH: recent.modules },
  input: request,
}));
