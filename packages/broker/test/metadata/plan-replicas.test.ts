import { ErrorCode } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { decideReassign } from "../../src/metadata/decide-reassign.ts";
import { isRefusal } from "../../src/metadata/placement.ts";
import {
  planDecommission,
  planRebalance,
  type ReplicaPlan,
} from "../../src/metadata/plan-replicas.ts";
import { targetReplicas } from "../../src/metadata/reassignment.ts";
import { cluster, type History } from "./cluster.ts";

function follow(history: History, plan: ReplicaPlan): number {
  if (isRefusal(plan)) return plan.errorCode;
  const options = { allowReplicationFactorChange: false };
  const outcomes = history.take(decideReassign(history.image, plan.topics, options));
  const codes = outcomes.flatMap(({ partitions }) => partitions.map((one) => one.errorCode));
  expect(codes.every((code) => code === 0)).toBe(true);
  return 0;
}

function load(history: History): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const topic of history.image.topics.values()) {
    for (const partition of topic.partitions) {
      for (const id of targetReplicas(partition)) counts[id] = (counts[id] ?? 0) + 1;
    }
  }
  return counts;
}

it("replicas of a broker to be removed move to the brokers that have the fewest", () => {
  const history = cluster([1, 2, 3, 4], {
    t: [
      [1, 2, 3],
      [2, 3, 1],
      [3, 1, 2],
    ],
    u: [[1], [2], [4]],
  });
  expect(follow(history, planDecommission(history.image, 1))).toBe(0);
  const targets = ["t", "u"].map((name) =>
    history.image.topics.get(name)!.partitions.map(targetReplicas),
  );
  expect(targets).toEqual([
    [
      [4, 2, 3],
      [2, 3, 4],
      [3, 4, 2],
    ],
    [[3], [2], [4]],
  ]);
  expect(planDecommission(history.image, 1), "asked twice, planned once").toEqual({ topics: [] });
  expect(planDecommission(history.image, 9)).toMatchObject({
    errorCode: ErrorCode.BROKER_ID_NOT_REGISTERED,
  });
});

it("a broker can't be removed if too few are left; fenced brokers get no replicas", () => {
  const history = cluster([1, 2, 3], { t: [[1, 2]] });
  history.fence(3);
  expect(planDecommission(history.image, 1)).toMatchObject({
    errorCode: ErrorCode.INVALID_REPLICATION_FACTOR,
    errorMessage: expect.stringContaining("t-0 has 2 replicas"),
  });
});

it("a new broker gets its share from brokers that have the most, and no more moves", () => {
  const spread = (first: number) => Array.from({ length: 6 }, (_, i) => [1 + ((first + i) % 2), 3]);
  const history = cluster([1, 2, 3, 4], { t: spread(0), u: spread(1) });
  expect(load(history)).toEqual({ 1: 6, 2: 6, 3: 12 });
  expect(follow(history, planRebalance(history.image, 4))).toBe(0);
  expect(load(history)).toEqual({ 1: 6, 2: 6, 3: 6, 4: 6 });
  expect(planRebalance(history.image, 4)).toEqual({ topics: [] });
  history.fence(2);
  expect(planRebalance(history.image, 2)).toMatchObject({
    errorCode: ErrorCode.BROKER_ID_NOT_REGISTERED,
  });
});
