import { useClientBroker } from "../harness/client-broker.ts";
import { peer } from "../harness/peers.ts";
import { consumesThroughEverything, GROUP_BROKER } from "./group-suite.ts";
import { peerSource } from "./peer.ts";

const where = useClientBroker(GROUP_BROKER);
const debian = peer("confluent-kafka-python");
const recent = peer("confluent-kafka-python-2");
const args = [peerSource("confluent-kafka-python/member.py")];

// Debian's librdkafka 2.0 knows no other protocol, and leaves records out with cooperative-sticky,
// from a Kafka broker as well.
consumesThroughEverything(debian.it, where, { protocol: "classic" }, (request) => ({
  path: debian.path,
  args,
  input: request,
}));

const KINDS = [
  { protocol: "classic", assignor: "cooperative-sticky" },
  { protocol: "consumer" },
] as const;

for (const kind of KINDS) {
  consumesThroughEverything(recent.it, where, kind, (request) => ({
    path: recent.path,
    args,
    env: { PYTHONPATH: recent.modules },
    input: request,
  }));
}
