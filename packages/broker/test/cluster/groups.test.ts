import { ErrorCode, ZERO_UUID } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { commitOffsets } from "../../src/groups/operations/commit-offsets.ts";
import { KafkaError } from "../../src/util/kafka-error.ts";
import { ClusterWorld } from "./cluster-world.ts";
import { create } from "./requests.ts";
import type { SimulatedBroker } from "./simulated-broker.ts";

const GROUPS = ["a", "b", "c", "d"];

it("keeps the committed offsets of groups, whichever broker coordinates them", async () => {
  const world = new ClusterWorld({ seed: 7 });
  Object.assign(world.kafkaConfigs, { "offsets.topic.num.partitions": "3" });
  await world.run(Promise.all(world.brokers.map((broker) => broker.start().serving)));
  await create(world, "orders", 1, 3);
  expect(await world.run(world.bystander.life!.groups!.ensureTopic())).toBe(ErrorCode.NONE);
  await world.settled();
  const committed = new Map<string, number>();
  for (let round = 1; round <= 8; round++) {
    for (const group of GROUPS) {
      const broker = await coordinatorOf(world, group);
      await world.run(commit(broker, group, round));
      committed.set(group, round);
    }
    const victim = await coordinatorOf(world, world.random.pick(GROUPS));
    const former = victim.life!.groups!;
    if (round % 2 === 0) victim.kill();
    else victim.life!.process.pause();
    for (const group of GROUPS) {
      const broker = await coordinatorOf(world, group);
      expect(broker).not.toBe(victim);
      const offset = await world.run(committedBy(broker, group));
      expect([group, offset]).toEqual([group, committed.get(group)]);
    }
    if (round % 2 === 0) victim.start();
    else victim.life!.process.resume();
    await world.settled();
    for (const group of GROUPS) {
      const ids = world.serving.map(({ life }) => life!.groups!.coordinatorOf(group));
      expect(new Set(ids).size).toBe(1);
      // By now it has read that other brokers coordinate the groups.
      if (ids[0] === victim.id || round % 2 === 0) continue;
      const refused = former.run<null>(group, (turn, reply) => {
        turn.reply(reply, null);
      });
      await expect(world.run(refused)).rejects.toMatchObject({
        errorCode: ErrorCode.NOT_COORDINATOR,
      });
    }
  }
  world.check();
});

/** The group's coordinator, once there is one. */
async function coordinatorOf(world: ClusterWorld, group: string): Promise<SimulatedBroker> {
  let found: SimulatedBroker | undefined;
  const look = async () => {
    for (const broker of world.serving) {
      if (broker.life!.groups!.coordinatorOf(group) !== broker.id) continue;
      const offset = await committedBy(broker, group).catch((error: unknown) => {
        if (!(error instanceof KafkaError)) throw error;
        return null;
      });
      if (offset !== null) found = broker;
    }
  };
  await world.until(`${group} has a coordinator`, () => {
    void look();
    return found?.serves === true;
  });
  return found!;
}

/** -1 when there is none. */
function committedBy(broker: SimulatedBroker, group: string): Promise<number> {
  return broker.life!.groups!.run<number>(group, (turn, reply) => {
    turn.reply(reply, turn.state.offsets.get(group, "orders", 0)?.offset ?? -1);
  });
}

async function commit(broker: SimulatedBroker, groupId: string, offset: number): Promise<void> {
  const partition = {
    partitionIndex: 0,
    committedOffset: offset,
    committedLeaderEpoch: -1,
    committedMetadata: null,
  };
  const request = {
    groupId,
    generationIdOrMemberEpoch: -1,
    memberId: "",
    groupInstanceId: null,
    retentionTimeMs: -1n,
    topics: [{ name: "orders", topicId: ZERO_UUID, partitions: [partition] }],
  };
  const answer = await broker.life!.groups!.run(groupId, commitOffsets(request, 9));
  expect(answer.topics![0]!.partitions![0]!.errorCode).toBe(ErrorCode.NONE);
}
