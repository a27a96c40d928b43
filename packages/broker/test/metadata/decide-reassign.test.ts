import { ErrorCode } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { decideReassign } from "../../src/metadata/decide-reassign.ts";
import { listReassignments } from "../../src/metadata/reassignment.ts";
import { cluster, type History } from "./cluster.ts";

function reassign(
  history: History,
  replicas: number[] | null,
  { name = "t", index = 0, allowReplicationFactorChange = true } = {},
): number {
  const topics = [{ name, partitions: [{ partitionIndex: index, replicas }] }];
  const decision = decideReassign(history.image, topics, { allowReplicationFactorChange });
  return history.take(decision)[0]!.partitions[0]!.errorCode;
}

const start = () => cluster([1, 2, 3, 4, 5], { t: [[1, 2, 3]], u: [[1]] });

describe("reassignments", () => {
  it("begin with the target replicas and those to remove", () => {
    const history = start();
    expect(reassign(history, [4, 2, 5])).toBe(0);
    expect(history.partition("t")).toEqual({
      replicas: [4, 2, 5, 1, 3],
      isr: [2, 1, 3],
      adding: [4, 5],
      removing: [1, 3],
      leader: 1,
      leaderEpoch: 0,
      partitionEpoch: 1,
    });
    const ongoing = { replicas: [4, 2, 5, 1, 3], adding: [4, 5], removing: [1, 3] };
    const listed = [{ name: "t", partitions: [{ partition: 0, ...ongoing }] }];
    expect(listReassignments(history.image, null)).toEqual(listed);
    const asked = ["t", "u", "none"].map((name) => ({ name, partitionIndexes: [0, 9] }));
    expect(listReassignments(history.image, asked)).toEqual(listed);
    expect(listReassignments(history.image, [])).toEqual([]);
  });

  it("are complete at once if only the order changes, or nothing", () => {
    const history = start();
    expect(reassign(history, [3, 1, 2])).toBe(0);
    const ordered = { replicas: [3, 1, 2], isr: [3, 1, 2], adding: [], removing: [], leader: 1 };
    expect(history.partition("t")).toMatchObject({ ...ordered, partitionEpoch: 1 });
    expect(reassign(history, [3, 1, 2])).toBe(0);
    expect(history.partition("t").partitionEpoch).toBe(1);
  });

  it("return to the original replicas, and a leader among them, when they are cancelled", () => {
    const history = start();
    expect(reassign(history, null)).toBe(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS);
    reassign(history, [4, 5]);
    history.change("t", 0, { isr: [4, 2, 3], leader: 4 });
    expect(reassign(history, null)).toBe(0);
    expect(history.partition("t")).toMatchObject({
      replicas: [1, 2, 3],
      isr: [2, 3],
      adding: [],
      removing: [],
      leader: 2,
      leaderEpoch: 2,
    });
    expect(reassign(history, null)).toBe(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS);
  });

  it("can't be cancelled if none of the original replicas is in sync", () => {
    const history = start();
    reassign(history, [4, 5]);
    history.change("t", 0, { isr: [4, 5] });
    expect(reassign(history, null)).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT);
    expect(history.partition("t").adding).toEqual([4, 5]);
  });

  it("may get another target: the original replicas count, not those being added", () => {
    const history = start();
    reassign(history, [4, 2, 3]);
    history.change("t", 0, { isr: [4, 2, 3, 1] });
    expect(reassign(history, [5, 2, 3])).toBe(0);
    const changed = { replicas: [5, 2, 3, 1], isr: [2, 3, 1], adding: [5], removing: [1] };
    expect(history.partition("t")).toMatchObject(changed);
    expect(reassign(history, [1, 2, 3])).toBe(0);
    const back = { replicas: [1, 2, 3], isr: [1, 2, 3], adding: [], removing: [] };
    expect(history.partition("t")).toMatchObject(back);
  });

  it("are refused as Kafka refuses them", () => {
    const history = start();
    history.fence(3, 5);
    const { INVALID_REPLICA_ASSIGNMENT: assignment, INVALID_REPLICATION_FACTOR: factor } =
      ErrorCode;
    expect(reassign(history, [])).toBe(assignment);
    expect(reassign(history, [1, 1])).toBe(assignment);
    expect(reassign(history, [1, 9])).toBe(assignment);
    expect(reassign(history, [1, 2, 5]), "a broker that is down").toBe(assignment);
    expect(reassign(history, [1], { name: "none" })).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    expect(reassign(history, [1], { index: 9 })).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    const sameFactor = { allowReplicationFactorChange: false };
    expect(reassign(history, [1, 2], sameFactor)).toBe(factor);
    expect(history.partition("t").partitionEpoch).toBe(0);
    expect(reassign(history, [1, 4, 3], sameFactor), "one that has it may be down").toBe(0);
    expect(reassign(history, [1, 4, 3, 2], sameFactor)).toBe(factor);
  });
});
