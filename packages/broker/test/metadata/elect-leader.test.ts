import { expect, it } from "vitest";
import { aliveBrokers, electLeader, raftLeadersOf } from "../../src/metadata/elect-leader.ts";
import { cluster, replicaStates, topicIdOf } from "./cluster.ts";

const partition = { leader: 1, replicas: [1, 2, 3], isr: [1, 3] };

it("elects the broker that is nearest to the data", () => {
  const elect = (alive: number[], raftLeader: number | null = null) =>
    electLeader(partition, new Set(alive), raftLeader);
  expect(elect([1, 2, 3], 2), "the leader stays").toBe(1);
  expect(elect([2, 3], 2), "beside the Raft leader").toBe(2);
  expect(elect([2, 3, 4], 4), "which must hold a replica").toBe(3);
  expect(elect([2, 3], 1), "and be alive").toBe(3);
  expect(elect([2, 3]), "in sync before the order of replicas").toBe(3);
  expect(elect([2, 9]), "any replica").toBe(2);
  expect(elect([4, 9]), "anybody").toBe(4);
  expect(elect([]), "no leader").toBe(-1);
});

it("counts brokers that are registered and not fenced, in order", () => {
  const history = cluster([3, 1, 2]);
  history.fence(2);
  expect([...aliveBrokers(history.image)]).toEqual([1, 3]);
});

it("finds Raft leaders in the engine's report", () => {
  const raftLeaderOf = raftLeadersOf([
    replicaStates("t", 0, [2, 1]),
    replicaStates("u", 2, [3]),
    replicaStates("t", 1, []),
    replicaStates("u", 0, [1]),
  ]);
  const leaders = (topic: string) => [0, 1, 2].map((i) => raftLeaderOf(topicIdOf(topic), i));
  expect(leaders("t")).toEqual([2, null, null]);
  expect(leaders("u")).toEqual([1, null, 3]);
  expect(leaders("gone")).toEqual([null, null, null]);
});
