// A group moves from the classic to the consumer protocol and back, member by member (KIP-848), as
// in a rolling upgrade of a service. The broker is killed in the middle.
import { useClientBroker } from "../harness/client-broker.ts";
import { GroupRun } from "../harness/group-run.ts";
import { peer } from "../harness/peers.ts";
import { GROUP_BROKER, type MemberRequest, requestOf } from "./group-suite.ts";

const where = useClientBroker(GROUP_BROKER);
const java = peer("java");
const options = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-XX:TieredStopAtLevel=1"];
const assignor = "RangeAssignor";

const member = (request: MemberRequest) => ({
  path: java.path,
  args: [...options, "-Xmx128m", "-cp", java.classPath, "Member"],
  input: request,
});

java.it(
  "migrates a group up and down, member by member",
  async () => {
    const run = GroupRun.ofTest(where.address, "migrate");
    const classic = () => run.add(member(requestOf(run, where, { protocol: "classic", assignor })));
    const consumer = () => run.add(member(requestOf(run, where, { protocol: "consumer" })));
    const settled = async (members: number) => {
      await run.shared(members);
      await run.progress();
    };
    await run.begin();
    const [firstClassic, secondClassic] = [classic(), classic()];
    await settled(2);
    const firstConsumer = consumer();
    await settled(3);
    await firstClassic.leave();
    await run.shared(2);
    const secondConsumer = consumer();
    await run.shared(3);
    await secondClassic.kill9();
    await settled(2);
    classic();
    await settled(3);
    await firstConsumer.leave();
    await run.shared(2);
    await where.broker.kill9();
    await where.broker.start();
    await run.progress();
    await secondConsumer.leave();
    await settled(1);
    classic();
    await run.shared(2);
    await run.finish();
  },
  180_000,
);
