import { describe, expect, it } from "vitest";
import { decideFenceBroker } from "../../src/metadata/decide-broker.ts";
import { decideIsr, misplacedLogs } from "../../src/metadata/decide-isr.ts";
import { decideReassign } from "../../src/metadata/decide-reassign.ts";
import { cluster, type History, incarnationOf, replicaStates } from "./cluster.ts";

const TWO = { t: [[1, 2, 3]], u: [[2, 3, 1]] };

function reassign(history: History, replicas: number[]): void {
  const partitions = [{ partitionIndex: 0, replicas }];
  const options = { allowReplicationFactorChange: true };
  history.take(decideReassign(history.image, [{ name: "t", partitions }], options));
}

describe("ISRs", () => {
  it("are the replicas that the engine calls current, in preferred order", () => {
    const history = cluster([1, 2, 3], TWO);
    history.take(decideIsr(history.image, [replicaStates("t", 0, [3, 1, 9], [2])]));
    expect(history.partition("t")).toMatchObject({
      isr: [1, 3],
      partitionEpoch: 1,
      leaderEpoch: 0,
    });
    expect(history.partition("u")).toMatchObject({ isr: [2, 3, 1], partitionEpoch: 0 });
    const again = decideIsr(history.image, [
      replicaStates("t", 0, [1, 3]),
      replicaStates("u", 0, [1, 2, 3]),
    ]);
    expect(again.records, "nothing new, nothing written").toEqual([]);
  });

  it("are never empty, and logs of unknown partitions are ignored", () => {
    const history = cluster([1, 2, 3], TWO);
    const states = [
      replicaStates("t", 0, [], [1, 2, 3]),
      replicaStates("t", 7, [1]),
      replicaStates("gone", 0, [1]),
    ];
    expect(decideIsr(history.image, states).records).toEqual([]);
    expect(misplacedLogs(history.image, states)).toEqual([]);
  });
});

describe("a reassignment", () => {
  it("is complete when all target replicas are in sync and there are no others", () => {
    const history = cluster([1, 2, 3, 4], TWO);
    reassign(history, [4, 2, 3]);
    const underWay = { replicas: [4, 2, 3, 1], adding: [4], removing: [1] };
    const step = (current: number[], behind: number[] = []) =>
      history.take(decideIsr(history.image, [replicaStates("t", 0, current, behind)]));
    step([1, 2, 3], [4]);
    expect(history.partition("t")).toMatchObject({ ...underWay, isr: [2, 3, 1] });
    step([1, 2, 3, 4]);
    expect(history.partition("t")).toMatchObject({ ...underWay, isr: [4, 2, 3, 1], leader: 1 });
    step([2, 3], [4]);
    expect(history.partition("t")).toMatchObject({ ...underWay, isr: [2, 3] });
    step([2, 3, 4]);
    expect(history.partition("t")).toMatchObject({
      replicas: [4, 2, 3],
      adding: [],
      removing: [],
      isr: [4, 2, 3],
      leader: 4,
      leaderEpoch: 1,
    });
    step([2, 3, 4]);
    expect(history.partition("t").leaderEpoch).toBe(1);
  });

  it("keeps the leader if it stays a replica, or if all replicas are fenced", () => {
    const kept = cluster([1, 2, 3], TWO);
    reassign(kept, [2, 1]);
    kept.take(decideIsr(kept.image, [replicaStates("t", 0, [1, 2])]));
    expect(kept.partition("t")).toMatchObject({ replicas: [2, 1], leader: 1, leaderEpoch: 0 });
    const down = cluster([1, 2, 3], TWO);
    reassign(down, [2]);
    down.take(decideFenceBroker(down.image, 2, incarnationOf(2)));
    down.take(decideIsr(down.image, [replicaStates("t", 0, [2])]));
    expect(down.partition("t")).toMatchObject({ replicas: [2], removing: [], leader: 1 });
  });

  it("is requested from the engine until the replicas are on the target brokers", () => {
    const history = cluster([1, 2, 3, 4], TWO);
    const misplaced = (...current: number[]) =>
      misplacedLogs(history.image, [replicaStates("t", 0, current)]).map((log) => log.replicas);
    expect(misplaced(3, 2, 1)).toEqual([]);
    reassign(history, [4, 2, 3]);
    expect(misplaced(1, 2, 3)).toEqual([[4, 2, 3]]);
    expect(misplaced(1, 2, 3, 4)).toEqual([[4, 2, 3]]);
    expect(misplaced(4, 2), "a replica is missing").toEqual([[4, 2, 3]]);
    expect(misplaced(2, 3, 4)).toEqual([]);
    expect(misplaced(), "unknown while the engine elects").toEqual([]);
  });
});
