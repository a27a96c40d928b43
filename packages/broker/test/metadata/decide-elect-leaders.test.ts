import { ErrorCode } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import {
  decideElectLeaders,
  decidePreferredLeaders,
  ElectionType,
} from "../../src/metadata/decide-elect-leaders.ts";
import { MAX_ELECTIONS_PER_ROUND } from "../../src/metadata/limits.ts";
import { cluster, type History } from "./cluster.ts";

const { preferred, unclean } = ElectionType;

function elect(
  history: History,
  type: number,
  asked: Record<string, number[]> | null,
): [number, ...(readonly [string, number, number])[]] {
  const topics =
    asked && Object.entries(asked).map(([topic, partitions]) => ({ topic, partitions }));
  const answer = history.take(decideElectLeaders(history.image, type, topics));
  const outcomes = answer.topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partition, errorCode }) => [name, partition, errorCode] as const),
  );
  return [answer.errorCode, ...outcomes];
}

describe("elections that a client requests", () => {
  const NOT_NEEDED = ErrorCode.ELECTION_NOT_NEEDED;

  it("make the preferred replica the leader", () => {
    const history = cluster([1, 2, 3], {
      t: [
        [1, 2],
        [2, 1],
        [3, 1],
        [1, 3],
      ],
    });
    for (const [index, leader] of [2, 1, 1, 1].entries()) history.change("t", index, { leader });
    history.change("t", 1, { isr: [1] });
    history.fence(3);
    const unavailable = ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE;
    expect(elect(history, preferred, { t: [0, 0, 1, 2, 3, 9], none: [0] })).toEqual([
      0,
      ["t", 0, 0],
      ["t", 0, NOT_NEEDED],
      ["t", 1, unavailable],
      ["t", 2, unavailable],
      ["t", 3, NOT_NEEDED],
      ["t", 9, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
      ["none", 0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ]);
    expect(history.leaders("t")).toEqual([1, 1, 1, 1]);
    expect(history.partition("t").leaderEpoch).toBe(2);
    const all = elect(history, preferred, null);
    expect(all, "those that needed none are left out").toEqual([
      0,
      ["t", 1, unavailable],
      ["t", 2, unavailable],
    ]);
    expect(elect(history, preferred, {})).toEqual([0]);
  });

  it("elect a leader for partitions without one, if any broker is unfenced", () => {
    const history = cluster([1, 2], { t: [[1], [2]] });
    history.change("t", 0, { leader: -1 });
    history.fence(1);
    expect(elect(history, unclean, { t: [0, 1] })).toEqual([0, ["t", 0, 0], ["t", 1, NOT_NEEDED]]);
    expect(history.leaders("t")).toEqual([2, 2]);
    expect(elect(history, unclean, null)).toEqual([0]);
    history.fence(2);
    const none = ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE;
    expect(elect(history, unclean, null)).toEqual([0, ["t", 0, none], ["t", 1, none]]);
  });

  it("are refused if their type is unknown", () => {
    const history = cluster([1], { t: [[1]] });
    expect(elect(history, 2, { t: [0] })).toEqual([ErrorCode.INVALID_REQUEST]);
  });
});

describe("the balance of leaders", () => {
  it("is restored for brokers that lead too few partitions", () => {
    const ten = Array.from({ length: 10 }, () => [1, 2]);
    const history = cluster([1, 2], { t: [...ten, [2, 1]] });
    history.change("t", 0, { leader: 2 });
    expect(decidePreferredLeaders(history.image, 10).records).toEqual([]);
    history.change("t", 1, { leader: 2 });
    history.change("t", 1, { isr: [2] });
    expect(history.take(decidePreferredLeaders(history.image, 10))).toBe(false);
    expect(
      history.leaders("t").slice(0, 2),
      "a replica that is not in sync is not elected",
    ).toEqual([1, 2]);
    history.change("t", 0, { leader: 2 });
    history.fence(1);
    expect(decidePreferredLeaders(history.image, 0).records).toEqual([]);
  });

  it("is restored in rounds of a limited size", () => {
    const many = Array.from({ length: MAX_ELECTIONS_PER_ROUND + 1 }, () => [1, 2]);
    const history = cluster([1, 2], { t: many });
    many.forEach((_, index) => {
      history.change("t", index, { leader: 2 });
    });
    expect(history.take(decidePreferredLeaders(history.image, 10))).toBe(true);
    expect(history.take(decidePreferredLeaders(history.image, 0))).toBe(false);
    expect(new Set(history.leaders("t"))).toEqual(new Set([1]));
  });
});
