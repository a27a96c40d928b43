import { it } from "vitest";
import { useClientBroker } from "../harness/client-broker.ts";
import { consumesThroughEverything, GROUP_BROKER } from "./group-suite.ts";
import { peerSource } from "./peer.ts";

const where = useClientBroker(GROUP_BROKER);

for (const protocol of ["classic", "consumer"] as const) {
  // After a rejoin the client commits again what it was about to, whoever owns the partition by
  // then: from a Kafka 4.1 broker the offsets of its groups go back as well, in either protocol.
  const kind = { protocol, offsetsMayGoBack: true, buffersThroughRejoins: true };
  consumesThroughEverything(it, where, kind, (request) => ({
    path: process.execPath,
    args: [peerSource("platformatic/member.mjs")],
    input: request,
  }));
}
