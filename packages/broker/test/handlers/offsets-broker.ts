import { OffsetFetch } from "@tarpan/protocol";
import type { GroupLike } from "../../src/groups/model/group.ts";
import type { Group } from "../../src/groups/model/state.ts";
import { WholeBroker } from "./whole-broker.ts";

/** A broker with coordinators and the topics `t` and `u` of two partitions each. */
export async function offsetsBroker(): Promise<WholeBroker> {
  const broker = await WholeBroker.start({
    "offsets.topic.num.partitions": "2",
    "offsets.topic.replication.factor": "1",
  });
  await broker.createTopic("t", 2);
  await broker.createTopic("u", 2);
  await broker.broker.groups.ensureTopic();
  return broker;
}

/** Adds a stub of a group that allows everything; `answers` overrides what it returns. */
export function addGroup(
  { broker }: WholeBroker,
  groupId: string,
  answers: Partial<GroupLike>,
): Promise<void> {
  const group: GroupLike = {
    groupId,
    kind: "classic",
    stateName: "Stable",
    protocolType: "consumer",
    emptySinceMs: null,
    validateOffsetCommit: () => 0,
    validateOffsetFetch: () => 0,
    validateDelete: () => 0,
    isSubscribedTo: () => false,
    tombstones: () => [],
    ...answers,
  };
  return broker.groups.run<void>(groupId, (turn, reply) => {
    turn.state.put(group as unknown as Group);
    turn.reply(reply, undefined);
  });
}

/** All committed offsets of a group. */
export async function committedOffsets(broker: WholeBroker, groupId: string) {
  const groups = [{ groupId, topics: null }];
  const answer = await broker.call(OffsetFetch, 8, { groups });
  return answer.groups[0]!.topics.flatMap(({ name, partitions }) =>
    partitions.map((partition) => ({
      topic: name,
      partition: partition.partitionIndex,
      offset: partition.committedOffset,
      leaderEpoch: partition.committedLeaderEpoch,
      metadata: partition.metadata,
    })),
  );
}
