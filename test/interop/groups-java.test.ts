import { useClientBroker } from "../harness/client-broker.ts";
import { peer } from "../harness/peers.ts";
import { consumesThroughEverything, GROUP_BROKER, type MemberRequest } from "./group-suite.ts";

const where = useClientBroker(GROUP_BROKER);
const java = peer("java");
const options = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-XX:TieredStopAtLevel=1"];
const member = (request: MemberRequest) => ({
  path: java.path,
  args: [...options, "-Xmx128m", "-cp", java.classPath, "Member"],
  input: request,
});

const KINDS = [
  { protocol: "classic", assignor: "RangeAssignor" },
  { protocol: "classic", assignor: "CooperativeStickyAssignor" },
  { protocol: "consumer" },
  { protocol: "consumer", assignor: "range" },
] as const;

for (const kind of KINDS) consumesThroughEverything(java.it, where, kind, member);
