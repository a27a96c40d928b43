import { describe, expect, it } from "vitest";
import {
  type AssignorMember,
  type AssignorTopic,
  assignorNamed,
} from "../../../src/groups/model/assignors/index.ts";
import {
  type Assignment,
  addTo,
  has,
  NO_PARTITIONS,
  sameAssignment,
  sizeOf,
} from "../../../src/groups/model/consumer/assignment.ts";
import { SeededRandom, seedOf } from "../../env/seeded-random.ts";

interface Situation {
  readonly members: AssignorMember[];
  readonly topics: Map<string, AssignorTopic>;
}

const NAMES = ["uniform", "range"] as const;
const ROUNDS = 300;

function randomSituation(random: SeededRandom, alike: boolean): Situation {
  const topics = new Map<string, AssignorTopic>();
  for (let i = 1 + random.below(5); i > 0; i--) {
    const topicId = `topic-${i}`;
    topics.set(topicId, { topicId, partitionCount: 1 + random.below(12) });
  }
  const all = [...topics.keys()].sort();
  const members = Array.from({ length: 1 + random.below(9) }, (_, i): AssignorMember => {
    const topicIds = alike ? all : all.filter(() => random.chance(0.6));
    const current = new Map<string, Set<number>>();
    // May be outdated: partitions that do not exist, or that another member has as well.
    for (let n = random.below(6); n > 0; n--) addTo(current, random.pick(all), random.below(14));
    const instanceId = random.chance(0.3) ? `instance-${9 - i}` : null;
    return { memberId: `member-${i}`, instanceId, topicIds, current };
  });
  return { members, topics };
}

/** Each partition of a topic with subscribers is assigned once, to a subscriber; no other is. */
function expectComplete({ members, topics }: Situation, assigned: Map<string, Assignment>): void {
  const owners = new Map<string, number>();
  for (const { memberId, topicIds } of members) {
    for (const [topicId, partitions] of assigned.get(memberId)!) {
      expect(topicIds).toContain(topicId);
      for (const partition of partitions) {
        const key = `${topicId}/${partition}`;
        owners.set(key, (owners.get(key) ?? 0) + 1);
      }
    }
  }
  const subscribed = new Set(members.flatMap(({ topicIds }) => topicIds));
  const expected = [...subscribed].flatMap((topicId) =>
    Array.from({ length: topics.get(topicId)!.partitionCount }, (_, i) => `${topicId}/${i}`),
  );
  expect([...owners.keys()].sort()).toEqual(expected.sort());
  expect([...owners.values()].every((count) => count === 1)).toBe(true);
}

const sizes = (assigned: Map<string, Assignment>) => [...assigned.values()].map(sizeOf);

function again({ members, topics }: Situation, assigned: Map<string, Assignment>): Situation {
  const next = members.map((member) => ({ ...member, current: assigned.get(member.memberId)! }));
  return { members: next, topics };
}

describe.each(NAMES)("%s", (name) => {
  const assign = assignorNamed(name);

  it.each([true, false])("assigns every partition once; same subscriptions: %s", (alike) => {
    const random = new SeededRandom(seedOf(`assignor ${name}`));
    for (let round = 0; round < ROUNDS; round++) {
      const situation = randomSituation(random, alike);
      const assigned = assign(situation.members, situation.topics);
      expectComplete(situation, assigned);
      const shuffled = [...situation.members].reverse();
      const other = assign(shuffled, situation.topics);
      for (const [memberId, assignment] of assigned) {
        expect(sameAssignment(assignment, other.get(memberId)!)).toBe(true);
      }
      // No partition moves when nothing has changed.
      const settled = again(situation, assigned);
      for (const [memberId, assignment] of assign(settled.members, settled.topics)) {
        expect(sameAssignment(assignment, assigned.get(memberId)!)).toBe(true);
      }
    }
  });
});

describe("uniform", () => {
  const assign = assignorNamed("uniform");

  it("differs by at most one when all members have the same subscription", () => {
    const random = new SeededRandom(seedOf("uniform balance"));
    for (let round = 0; round < ROUNDS; round++) {
      const { members, topics } = randomSituation(random, true);
      const of = sizes(assign(members, topics));
      expect(Math.max(...of) - Math.min(...of)).toBeLessThanOrEqual(1);
    }
  });

  it("otherwise leaves no partition whose move would make two members more even", () => {
    const random = new SeededRandom(seedOf("uniform balance of unlike members"));
    for (let round = 0; round < ROUNDS; round++) {
      const { members, topics } = randomSituation(random, false);
      const assigned = assign(members, topics);
      for (const from of members) {
        for (const to of members) {
          const lower = sizeOf(assigned.get(from.memberId)!) - sizeOf(assigned.get(to.memberId)!);
          const movable = [...assigned.get(from.memberId)!.keys()].some((topicId) =>
            to.topicIds.includes(topicId),
          );
          if (movable) expect(lower).toBeLessThanOrEqual(1);
        }
      }
    }
  });

  it("moves only the partitions that a new member gets or a leaving one had", () => {
    const random = new SeededRandom(seedOf("uniform stickiness"));
    for (let round = 0; round < ROUNDS; round++) {
      const before = randomSituation(random, true);
      const first = assign(before.members, before.topics);
      const settled = again(before, first);
      const { topicIds } = before.members[0]!;
      const newcomer = { memberId: "x", instanceId: null, topicIds, current: NO_PARTITIONS };
      const second = assign([...settled.members, newcomer], before.topics);
      // Only the new member gets partitions.
      for (const [memberId, assignment] of second) {
        if (memberId === "x") continue;
        for (const [topicId, partitions] of assignment) {
          for (const partition of partitions) {
            expect(has(first.get(memberId)!, topicId, partition)).toBe(true);
          }
        }
      }
      const [gone, ...stay] = again({ ...before, members: settled.members }, first).members;
      if (stay.length === 0) continue;
      const third = assign(stay, before.topics);
      for (const { memberId } of stay) {
        const kept = first.get(memberId)!;
        for (const [topicId, partitions] of kept) {
          for (const partition of partitions) {
            expect(has(third.get(memberId)!, topicId, partition)).toBe(true);
          }
        }
      }
      expect(gone).toBeDefined();
    }
  });
});

describe("range", () => {
  const assign = assignorNamed("range");
  const of = (memberId: string, topicIds: string[], instanceId: string | null = null) => ({
    memberId,
    instanceId,
    topicIds,
    current: NO_PARTITIONS,
  });
  const topics = new Map(
    [
      { topicId: "t", partitionCount: 3 },
      { topicId: "u", partitionCount: 3 },
    ].map((topic) => [topic.topicId, topic]),
  );
  const plain = (assigned: Map<string, Assignment>) =>
    Object.fromEntries(
      [...assigned].map(([id, topicsOf]) => [
        id,
        Object.fromEntries([...topicsOf].map(([topic, set]) => [topic, [...set]])),
      ]),
    );

  it("gives a member the same partition numbers of topics with as many partitions", () => {
    expect(plain(assign([of("b", ["t", "u"]), of("a", ["t", "u"])], topics))).toEqual({
      a: { t: [0, 1], u: [0, 1] },
      b: { t: [2], u: [2] },
    });
  });

  it("orders static members by instance id, before the others", () => {
    const members = [of("a", ["t"]), of("z", ["t"], "1"), of("y", ["t"], "2")];
    expect(plain(assign(members, topics))).toEqual({ z: { t: [0] }, y: { t: [1] }, a: { t: [2] } });
  });
});
