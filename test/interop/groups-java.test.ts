import { expect } from "vitest";
import { useClientBroker } from "../harness/client-broker.ts";
import type { GroupMember } from "../harness/group-member.ts";
import { GroupRun } from "../harness/group-run.ts";
import { peer } from "../harness/peers.ts";
import {
  consumesThroughEverything,
  GROUP_BROKER,
  type MemberRequest,
  requestOf,
} from "./group-suite.ts";

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

// Two at a time: Java starts slowly where there are two cores.
const groups = KINDS.map((kind) => ({ peer: java, kind, client: member }));
consumesThroughEverything(where, groups.slice(0, 2));
consumesThroughEverything(where, groups.slice(2));

// In the consumer protocol an instance id is free only when its member has left or timed out.
java.it("a static member that is killed comes back to its partitions", async () => {
  const run = GroupRun.ofTest(where.address, "static");
  const add = (instanceId: string) => {
    // Long enough for a Java process to come back.
    const request = { ...requestOf(run, where, KINDS[0]), sessionTimeoutMs: 20_000 };
    return run.add(member({ ...request, instanceId }), instanceId);
  };
  const changes = ({ events }: GroupMember) => events.filter(({ event }) => event === "owns");
  await run.begin();
  const one = add("one");
  const two = add("two");
  await run.shared(2);
  await run.progress();
  const { owned } = one;
  const seen = changes(two).length;
  await one.kill9();
  const again = add("one");
  await run.shared(2);
  await run.progress();
  expect(again.owned).toEqual(owned);
  // The other member was never asked to join again.
  expect(changes(two)).toHaveLength(seen);
  await run.finish();
});
