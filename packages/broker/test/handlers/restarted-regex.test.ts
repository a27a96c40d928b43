// Regular expressions of consumer groups, with ACLs, across a start of the coordinator.
import { ConsumerGroupHeartbeat, FindCoordinator } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { MemoryFiles } from "../env/memory-files.ts";
import { ACLS_ON, allow } from "./secured-broker.ts";
import { WholeBroker } from "./whole-broker.ts";

it("a regular expression is resolved to topics that the member may describe after a start, too", async () => {
  const files = new MemoryFiles();
  const configs = { ...ACLS_ON, "offsets.topic.num.partitions": "1" };
  const member = { groupId: "g", memberId: "m", topicPartitions: [] };
  const beat = async (broker: WholeBroker, memberEpoch: number, regex: string | null) => {
    const { assignment, ...answer } = await broker.as("User:a").call(ConsumerGroupHeartbeat, 1, {
      ...{ ...member, memberEpoch, subscribedTopicRegex: regex },
      rebalanceTimeoutMs: memberEpoch === 0 ? 60_000 : -1,
    });
    const { topicsById } = broker.metadata.image;
    const names = assignment?.topicPartitions.map(({ topicId }) => topicsById.get(topicId)?.name);
    return { ...answer, names: names?.sort() };
  };
  const first = (await WholeBroker.startWith({ files, configs })).as("User:admin");
  await allow(first, "allow User:a read group g", "allow User:a read topic ok*");
  for (const name of ["ok-1", "secret-1"]) await first.createTopic(name);
  await first.call(FindCoordinator, 0, { key: "g" });
  const joined = await beat(first, 0, ".*-[0-9]");
  expect(joined).toMatchObject({ errorCode: 0, names: ["ok-1"] });
  await first.stop();

  const second = (await WholeBroker.startWith({ files, configs })).as("User:admin");
  for (const name of ["secret-2", "ok-2"]) await second.createTopic(name);
  // The first heartbeat tells the coordinator what the member may describe.
  const quiet = await beat(second, joined.memberEpoch, null);
  expect(quiet).toMatchObject({ errorCode: 0, names: undefined });
  const later = await beat(second, quiet.memberEpoch, null);
  expect(later).toMatchObject({ errorCode: 0, names: ["ok-1", "ok-2"] });
});
