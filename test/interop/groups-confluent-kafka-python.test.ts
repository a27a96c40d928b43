import { useClientBroker } from "../harness/client-broker.ts";
import { peer } from "../harness/peers.ts";
import { consumesThroughEverything, GROUP_BROKER } from "./group-suite.ts";
import { peerSource } from "./peer.ts";

const where = useClientBroker(GROUP_BROKER);
const debian = peer("confluent-kafka-python");
const recent = peer("confluent-kafka-python-2");
const args = [peerSource("confluent-kafka-python/member.py")];

const env = { PYTHONPATH: recent.modules };

consumesThroughEverything(where, [
  // Debian's librdkafka 2.0 has no other protocol, and with cooperative-sticky it skips records,
  // from a Kafka broker as well.
  {
    peer: debian,
    kind: { protocol: "classic" },
    client: (request) => ({ path: debian.path, args, input: request }),
  },
  {
    peer: recent,
    kind: { protocol: "classic", assignor: "cooperative-sticky" },
    client: (request) => ({ path: recent.path, args, env, input: request }),
  },
  {
    peer: recent,
    kind: { protocol: "consumer" },
    client: (request) => ({ path: recent.path, args, env, input: request }),
  },
]);
