// Properties of every assignor, over random groups; the seed is printed by fast-check when one
// fails and taken back by TARPAN_SEED.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { partitionKey } from "../../src/connection/offsets.ts";
import type {
  Assignor,
  AssignorMember,
  GroupAssignment,
} from "../../src/group/assignors/assignor.ts";
import { cooperativeSticky } from "../../src/group/assignors/cooperative-sticky.ts";
import { range } from "../../src/group/assignors/range.ts";
import { roundRobin } from "../../src/group/assignors/round-robin.ts";
import { sticky } from "../../src/group/assignors/sticky.ts";

const seed = process.env.TARPAN_SEED;
const options = { numRuns: 300, ...(seed === undefined ? {} : { seed: Number(seed) }) };

const TOPICS = ["a", "b", "c", "d"];

interface World {
  readonly members: AssignorMember[];
  readonly counts: ReadonlyMap<string, number>;
}

const counts = fc
  .tuple(...TOPICS.map(() => fc.nat(9)))
  .map((sizes) => new Map(TOPICS.map((topic, i) => [topic, sizes[i]!])));

const member = (topics: fc.Arbitrary<string[]>, id: number) =>
  fc.record({
    memberId: fc.constant(`m${id}`),
    groupInstanceId: fc.option(fc.constant(`i${9 - id}`)),
    topics,
    owned: fc.constant([]),
    generation: fc.constant(-1),
  });

const subscriptions = fc.subarray(TOPICS, { minLength: 1 });

const mixed: fc.Arbitrary<World> = fc.record({
  members: fc
    .integer({ min: 1, max: 8 })
    .chain((n) => fc.tuple(...Array.from({ length: n }, (_, i) => member(subscriptions, i)))),
  counts,
});

const alike: fc.Arbitrary<World> = fc.record({
  members: fc
    .tuple(fc.integer({ min: 1, max: 8 }), subscriptions)
    .chain(([n, topics]) =>
      fc.tuple(...Array.from({ length: n }, (_, i) => member(fc.constant(topics), i))),
    ),
  counts,
});

/** The members after they have taken their assignment. */
function after(
  members: readonly AssignorMember[],
  assignment: GroupAssignment,
  generation = 1,
): AssignorMember[] {
  return members.map((each) => ({
    ...each,
    owned: assignment.get(each.memberId) ?? [],
    generation,
  }));
}

const keysOf = (assignment: GroupAssignment) =>
  new Map([...assignment].map(([id, own]) => [id, own.map(partitionKey).sort()]));
const sizes = (assignment: GroupAssignment) => [...assignment.values()].map((own) => own.length);

function expectWhole({ members, counts }: World, assignment: GroupAssignment): void {
  const topics = new Set(members.flatMap((each) => each.topics));
  const all = [...topics].flatMap((topic) =>
    Array.from({ length: counts.get(topic) ?? 0 }, (_, i) => `${topic}:${i}`),
  );
  expect([...keysOf(assignment).values()].flat().sort()).toEqual(all.sort());
  expectSubscribed(members, assignment);
}

function expectSubscribed(members: readonly AssignorMember[], assignment: GroupAssignment): void {
  expect([...assignment.keys()].sort()).toEqual(members.map((each) => each.memberId).sort());
  for (const { memberId, topics } of members)
    for (const { topic } of assignment.get(memberId)!) expect(topics).toContain(topic);
}

/** Repeats the rebalance until no member has partitions to revoke. */
function settle(assignor: Assignor, { members, counts }: World): GroupAssignment {
  let now = members;
  for (let round = 0; round < 3; round++) {
    const assignment = assignor.assign(now, counts);
    const next = after(now, assignment, round + 1);
    const givenUp = next.some(({ owned }, i) => {
      const own = new Set(owned.map(partitionKey));
      return now[i]!.owned.some((at) => !own.has(partitionKey(at)));
    });
    if (!givenUp) return assignment;
    now = next;
  }
  throw new Error("does not settle");
}

describe.each([range, roundRobin, sticky, cooperativeSticky])("$name", (assignor) => {
  test("every partition goes to exactly one member that subscribes to its topic", () => {
    fc.assert(
      fc.property(mixed, (world) => {
        expectWhole(world, assignor.assign(world.members, world.counts));
      }),
      options,
    );
  });

  test("the order of the members does not matter", () => {
    fc.assert(
      fc.property(mixed, ({ members, counts }) => {
        const forwards = keysOf(assignor.assign(members, counts));
        const backwards = keysOf(assignor.assign([...members].reverse(), counts));
        expect([...backwards].sort()).toEqual([...forwards].sort());
      }),
      options,
    );
  });
});

describe.each([roundRobin, sticky, cooperativeSticky])("$name", (assignor) => {
  test("with the same subscriptions sizes differ by one at most", () => {
    fc.assert(
      fc.property(alike, ({ members, counts }) => {
        const all = sizes(assignor.assign(members, counts));
        expect(Math.max(...all) - Math.min(...all)).toBeLessThanOrEqual(1);
      }),
      options,
    );
  });
});

describe.each([sticky, cooperativeSticky])("$name", (assignor) => {
  test("no partition moves without a change", () => {
    fc.assert(
      fc.property(mixed, ({ members, counts }) => {
        const first = assignor.assign(members, counts);
        const again = assignor.assign(after(members, first), counts);
        expect(keysOf(again)).toEqual(keysOf(first));
      }),
      options,
    );
  });

  test("no partition could move to a member with two fewer", () => {
    fc.assert(
      fc.property(mixed, ({ members, counts }) => {
        const assignment = assignor.assign(members, counts);
        for (const from of members)
          for (const to of members)
            for (const { topic } of assignment.get(from.memberId)!)
              if (to.topics.includes(topic))
                expect(assignment.get(from.memberId)!.length).toBeLessThanOrEqual(
                  assignment.get(to.memberId)!.length + 1,
                );
      }),
      options,
    );
  });

  test("when a member leaves, the others keep their partitions", () => {
    fc.assert(
      fc.property(alike, ({ members, counts }) => {
        if (members.length < 2) return;
        const first = assignor.assign(members, counts);
        const left = after(members, first).slice(1);
        const second = settle(assignor, { members: left, counts });
        for (const { memberId, owned } of left)
          expect(keysOf(second).get(memberId)).toEqual(
            expect.arrayContaining(owned.map(partitionKey)),
          );
      }),
      options,
    );
  });

  test("when a member joins, only its share moves", () => {
    fc.assert(
      fc.property(alike, ({ members, counts }) => {
        const [fresh, ...old] = members;
        if (old.length === 0) return;
        const first = after(old, assignor.assign(old, counts));
        const world = { members: [...first, fresh!], counts };
        const second = settle(assignor, world);
        expectWhole(world, second);
        const given = second.get(fresh!.memberId)!.length;
        const kept = first.reduce((sum, { memberId, owned }) => {
          const now = new Set(keysOf(second).get(memberId));
          return sum + owned.filter((at) => now.has(partitionKey(at))).length;
        }, 0);
        expect(kept).toBe(first.reduce((sum, { owned }) => sum + owned.length, 0) - given);
      }),
      options,
    );
  });

  test("a newer generation's claim wins; of equal ones, none does", () => {
    const at = [{ topic: "a", partition: 0 }];
    const base = { groupInstanceId: null, topics: ["a"], owned: at };
    const members = [
      { ...base, memberId: "old", generation: 3 },
      { ...base, memberId: "new", generation: 4 },
    ];
    const counts = new Map([["a", 1]]);
    expect(assignor.assign(members, counts).get("new")).toEqual(at);
    const both = members.map((each) => ({ ...each, generation: 4 }));
    const dealt = sizes(assignor.assign(both, counts));
    expect(dealt.reduce((a, b) => a + b)).toBe(assignor.cooperative ? 0 : 1);
  });
});

test("cooperative: no member gets a partition that another still owns", () => {
  fc.assert(
    fc.property(mixed, mixed, ({ members, counts }, other) => {
      const first = after(members, cooperativeSticky.assign(members, counts));
      // Some members have left, some are new, and the others have other subscriptions.
      const next = other.members.map((each) => ({
        ...each,
        owned: first.find(({ memberId }) => memberId === each.memberId)?.owned ?? [],
        generation: 1,
      }));
      const assignment = cooperativeSticky.assign(next, counts);
      expectSubscribed(next, assignment);
      for (const owner of next)
        for (const [memberId, own] of keysOf(assignment))
          if (memberId !== owner.memberId)
            for (const at of owner.owned) expect(own).not.toContain(partitionKey(at));
      expectWhole({ members: next, counts }, settle(cooperativeSticky, { members: next, counts }));
    }),
    options,
  );
});

test("range assigns consecutive partitions, one more to the first members", () => {
  const members = ["m1", "m2", "m3"].map((memberId) => ({
    ...{ memberId, groupInstanceId: null, owned: [], generation: -1 },
    topics: ["a"],
  }));
  expect(keysOf(range.assign(members, new Map([["a", 8]])))).toEqual(
    new Map([
      ["m1", ["a:0", "a:1", "a:2"]],
      ["m2", ["a:3", "a:4", "a:5"]],
      ["m3", ["a:6", "a:7"]],
    ]),
  );
});

test("sticky's user data is decoded, also without a generation", () => {
  const owned = [
    { topic: "a", partition: 3 },
    { topic: "a", partition: 1 },
    { topic: "ü", partition: 0 },
  ];
  const bytes = sticky.userData!(owned, 7);
  expect(sticky.readUserData!(bytes)).toEqual({ owned, generation: 7 });
  expect(sticky.readUserData!(bytes.subarray(0, -4))).toEqual({ owned, generation: -1 });
  expect(() => sticky.readUserData!(bytes.subarray(0, 9))).toThrow();
});
