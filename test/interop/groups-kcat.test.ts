import { useClientBroker } from "../harness/client-broker.ts";
import type { MemberEvent } from "../harness/group-member.ts";
import { peer } from "../harness/peers.ts";
import { consumesThroughEverything, GROUP_BROKER, type MemberRequest } from "./group-suite.ts";

const where = useClientBroker(GROUP_BROKER);
const kcat = peer("kcat");

const member = (request: MemberRequest) => {
  const configs = {
    "session.timeout.ms": request.sessionTimeoutMs,
    "heartbeat.interval.ms": request.heartbeatIntervalMs,
    "auto.commit.interval.ms": 100,
    "auto.offset.reset": "earliest",
    "fetch.wait.max.ms": 100,
    "enable.partition.eof": false,
    "reconnect.backoff.max.ms": 500,
  };
  const flags = Object.entries(configs).flatMap(([name, value]) => ["-X", `${name}=${value}`]);
  const from = ["-b", request.bootstrap, "-G", request.group];
  const args = [...from, ...flags, "-u", "-f", "%p %o\\n", request.topic];
  return { path: kcat.path, args, input: null, parse };
};

/** Records are lines of `partition offset`; assignments and the end are in the log's lines. */
function parse(line: string): MemberEvent[] {
  const record = /^(\d+) (\d+)$/.exec(line);
  if (record) {
    return [{ event: "records", partition: Number(record[1]), offsets: [Number(record[2])] }];
  }
  const rebalanced = /^% Group .* rebalanced .*: (assigned|revoked): ?(.*)$/.exec(line);
  if (rebalanced === null) return [];
  const [, what, list] = rebalanced;
  const partitions = [...list!.matchAll(/\[(\d+)\]/g)].map((match) => Number(match[1]));
  return [{ event: "owns", generation: null, partitions: what === "assigned" ? partitions : [] }];
}

// After SIGTERM kcat ignores the record that its last poll returns, but librdkafka commits it as
// delivered. This also happens with a Kafka 4.1 broker.
const kind = { protocol: "classic", endsWithBroker: true, leavingDropsOne: true } as const;
consumesThroughEverything(where, [{ peer: kcat, kind, client: member }]);
