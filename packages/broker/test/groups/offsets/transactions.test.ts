import { ErrorCode } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { deleteGroup } from "../../../src/groups/operations/delete-group.ts";
import { deleteOffsets } from "../../../src/groups/operations/delete-offsets.ts";
import { forgetTopics } from "../../../src/groups/operations/forget-topics.ts";
import { listGroups } from "../../../src/groups/operations/list-groups.ts";
import { listGroupTransactions } from "../../../src/groups/operations/list-transactions.ts";
import { MAX_PRODUCERS_PER_PARTITION } from "../../../src/partition/limits.ts";
import { CHECK_MS, imageOf, RETENTION_MS, topicId } from "./support.ts";
import { namesOf, type Offset, recorded, TransactionWorld } from "./transaction-world.ts";

const { NONE, TRANSACTION_COORDINATOR_FENCED } = ErrorCode;
const DAY_MS = 86_400_000;
const T0: Offset[] = [["t", 0, 5]];

describe("offsets in a transaction", () => {
  it("count when it is committed, all at once", () => {
    const world = new TransactionWorld();
    const offsets: Offset[] = [
      ["t", 0, 5],
      ["u", 1, 6],
    ];
    expect(world.commitPending("g", offsets)).toEqual([NONE, NONE]);
    expect(world.commitPending("h", T0)).toEqual([NONE]);
    expect([world.offset("g"), world.offset("h")]).toEqual([-1, -1]);
    const records = world.log.length;
    expect(world.end(true)).toBe(NONE);
    expect(namesOf(world.log.slice(records))).toEqual(["TransactionEnd"]);
    expect([world.offset("g"), world.offset("h")]).toEqual([5, 5]);
    expect(world.fetch("g").topics[1]!.partitions[1]).toEqual({
      ...{ partitionIndex: 1, committedOffset: 6, committedLeaderEpoch: 3 },
      ...{ metadata: "m", errorCode: NONE },
    });
    expect(world.state.offsets.size).toBe(3);
  });

  it("are dropped when it is aborted", () => {
    const world = new TransactionWorld();
    world.commit("g", "t", 0, 1);
    world.commitPending("g", T0);
    world.end(false);
    expect(world.offset("g", true)).toBe(1);
    world.end(true);
    expect(world.offset("g")).toBe(1);
  });

  it("are unstable until it ends, for readers who want stable offsets", () => {
    const world = new TransactionWorld();
    world.commit("g", "t", 0, 1);
    world.commit("g", "t", 1, 2);
    world.commitPending("g", T0);
    expect([world.offset("g"), world.offset("g", true)]).toEqual([1, null]);
    expect(world.fetch("g", true).topics[0]!.partitions).toMatchObject([
      { committedOffset: -1, errorCode: ErrorCode.UNSTABLE_OFFSET_COMMIT },
      { committedOffset: 2, errorCode: NONE },
    ]);
    // A commit outside of the transaction does not end it.
    world.commit("g", "t", 0, 3);
    expect(world.offset("g", true)).toBeNull();
    world.end(true);
    expect(world.offset("g", true)).toBe(3);
  });

  it("do not replace what was recorded after them", () => {
    const world = new TransactionWorld();
    world.commitPending("g", T0);
    world.commit("g", "t", 0, 1);
    world.restart();
    world.end(true);
    expect(world.offset("g")).toBe(1);

    world.commitPending("g", [["t", 0, 10]]);
    world.commitPending("g", [["t", 0, 20]], { producerId: 8 });
    world.restart();
    world.end(true, { producerId: 8 });
    world.restart();
    world.end(true);
    expect(world.offset("g")).toBe(20);

    // The second commit of a transaction is newer than that of another one.
    world.commitPending("g", [["t", 0, 30]]);
    world.commitPending("g", [["t", 0, 40]], { producerId: 8 });
    world.commitPending("g", [["t", 0, 50]]);
    world.restart();
    world.end(true, { producerId: 8 });
    expect(world.offset("g")).toBe(40);
    world.end(true);
    expect(world.offset("g")).toBe(50);
  });

  it("survive snapshots and replays, with what is known of their producer", () => {
    const world = new TransactionWorld();
    world.commitPending("g", [["t", 0, 5]]);
    world.end(true, { coordinatorEpoch: 4 });
    world.commitPending("g", [["t", 0, 6]]);
    world.commit("g", "t", 0, 7);
    world.commitPending("h", [["u", 1, 8]]);
    const live = recorded(world.state);
    expect(recorded(world.replayed())).toEqual(live);
    expect(recorded(world.replayed(world.snapshot()))).toEqual(live);
    // A snapshot that was not finished is read after what it describes.
    expect(recorded(world.replayed([...world.log, ...world.snapshot()]))).toEqual(live);
    expect(world.end(true, { coordinatorEpoch: 3 })).toBe(TRANSACTION_COORDINATOR_FENCED);
  });
});

it.each([true, false])("an end during a snapshot counts as before or after it: %s", (isCommit) => {
  for (let before = 0; ; before++) {
    const world = new TransactionWorld();
    world.commit("a", "t", 0, 1);
    world.commitPending("g", [...T0, ["u", 0, 6]]);
    world.commitPending("a", T0);
    world.commit("g", "v", 0, 1);
    const startAt = world.log.length;
    const units = world.machine.snapshot(world.state)[Symbol.iterator]();
    const write = () => {
      const { value } = units.next();
      if (value !== undefined) world.log.push(...value);
      return value !== undefined;
    };
    let isUnfinished = true;
    for (let i = 0; i < before && isUnfinished; i++) isUnfinished = write();
    world.end(isCommit);
    while (write());
    const live = recorded(world.state);
    expect(recorded(world.replayed())).toEqual(live);
    world.log.splice(0, startAt);
    expect(recorded(world.replayed())).toEqual(live);
    if (!isUnfinished) break;
  }
});

describe("deleting and expiring", () => {
  it("deletes pending offsets with their group", () => {
    const world = new TransactionWorld();
    world.commit("g", "u", 0, 1);
    world.commitPending("g", T0);
    expect(world.run(deleteGroup("g")).answer).toBe(NONE);
    world.end(true);
    expect(world.state.offsets.hasGroup("g")).toBe(false);
    world.commitPending("g", T0);
    const filter = { statesFilter: [], typesFilter: [] };
    expect(world.run(listGroups(filter)).answer).toMatchObject([{ groupId: "g" }]);
    expect(world.run(deleteGroup("g")).answer).toBe(NONE);
    expect(world.run(deleteGroup("g")).answer).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
  });

  it("deletes a partition's pending offsets with its committed one", () => {
    const world = new TransactionWorld();
    world.commit("g", "t", 0, 1);
    world.commitPending("g", [...T0, ["t", 1, 6]]);
    world.commitPending("g", T0, { producerId: 8 });
    const topics = [{ name: "t", partitions: [{ partitionIndex: 0 }] }];
    world.run(deleteOffsets({ groupId: "g", topics }));
    expect(world.offset("g", true)).toBe(-1);
    world.end(true);
    world.end(true, { producerId: 8 });
    expect(world.fetch("g").topics[0]!.partitions).toMatchObject([
      { committedOffset: -1 },
      { committedOffset: 6 },
    ]);
  });

  it("drops the pending offsets of deleted topics, also while not loaded", () => {
    const world = new TransactionWorld();
    world.commitPending("g", [...T0, ["u", 0, 6], ["v", 0, 7]]);
    world.image = imageOf({ t: topicId("t", 1), u: topicId("u"), v: topicId("v") });
    const recreated = () => world.step((turn) => forgetTopics(turn, ["t"]));
    expect(namesOf(recreated())).toEqual(["no PendingOffset"]);
    expect(world.commitPending("g", [["t", 0, 9]])).toEqual([NONE]);
    expect(namesOf(recreated())).toEqual([]);
    world.image = imageOf({ t: topicId("t", 1), u: topicId("u") });
    expect(namesOf(world.crash())).toEqual(["no PendingOffset"]);
    world.end(true);
    expect(world.fetch("g").topics.map(({ partitions }) => partitions[0]!.committedOffset)).toEqual(
      [9, 6, -1],
    );
  });

  it("expires neither offsets nor groups that a transaction may change", () => {
    const world = new TransactionWorld();
    const gone: string[] = [];
    const tombstones = () => {
      gone.push("g");
      return [];
    };
    world.addGroup({ groupId: "g", tombstones });
    world.commit("g", "t", 0, 1);
    world.commit("g", "u", 0, 1);
    world.commitPending("g", T0);
    world.advance(RETENTION_MS + CHECK_MS);
    expect(world.state.offsets.get("g", "t", 0)?.offset).toBe(1);
    expect(world.state.offsets.get("g", "u", 0)).toBeUndefined();
    world.end(false);
    world.commitPending("g", [["v", 0, 1]], { producerId: 8 });
    world.advance(CHECK_MS);
    expect(world.state.offsets.size).toBe(0);
    expect(gone).toEqual([]);
    world.end(false, { producerId: 8 });
    world.advance(CHECK_MS);
    expect(gone).toEqual(["g"]);
  });

  it("forgets idle producers, but none with an open transaction", () => {
    const world = new TransactionWorld();
    world.commitPending("g", T0);
    world.end(true, { producerId: 8 });
    world.advance(DAY_MS - CHECK_MS);
    expect(world.state.offsets.pending.producers.size).toBe(2);
    expect(namesOf(world.advance(2 * CHECK_MS))).toEqual(["no TransactionEnd"]);
    expect([...world.state.offsets.pending.producers.keys()]).toEqual([7]);
    world.end(true);
    expect(namesOf(world.advance(DAY_MS + CHECK_MS))).toEqual(["no TransactionEnd"]);
    expect(world.state.offsets.pending.producers.size).toBe(0);
    expect(recorded(world.replayed())).toEqual(recorded(world.state));
  });
});

it("remembers so many producers, and forgets the one that did nothing for longest", () => {
  const world = new TransactionWorld();
  world.commitPending("g", T0);
  const value = { producerEpoch: 0, coordinatorEpoch: 0, timestamp: 0, result: 1 };
  for (let producerId = 8; producerId < 8 + MAX_PRODUCERS_PER_PARTITION - 1; producerId++) {
    world.state.offsets.apply({ record: "TransactionEnd", key: { producerId }, value });
  }
  const { producers } = world.state.offsets.pending;
  expect(producers.size).toBe(MAX_PRODUCERS_PER_PARTITION);
  world.end(true, { producerId: 8 });
  expect(namesOf(world.log.slice(1))).toEqual(["TransactionEnd"]);
  world.commitPending("g", T0, { producerId: 1 });
  expect(producers.size).toBe(MAX_PRODUCERS_PER_PARTITION);
  expect([7, 8, 9, 10, 1].filter((id) => producers.has(id))).toEqual([7, 8, 10, 1]);
});

it("bounds the verifications that no commit follows", () => {
  const { pending } = new TransactionWorld().state.offsets;
  for (let producerId = 0; producerId <= MAX_PRODUCERS_PER_PARTITION; producerId++) {
    pending.verifications.begin({ producerId, producerEpoch: 0, baseSequence: 0 }, true, 0);
  }
  expect([0, 1].map((id) => pending.verifications.get(id) !== undefined)).toEqual([false, true]);
});

it("lists the open transactions, for those who look for hanging ones", () => {
  const world = new TransactionWorld();
  const startedMs = world.time.wallMs();
  world.end(true, { producerId: 9, coordinatorEpoch: 4 });
  world.commitPending("g", T0, { producerId: 9 });
  world.advance(1_000);
  world.commitPending("h", T0, { producerId: 9 });
  world.commitPending("g", T0, { producerId: 7 });
  world.end(true, { producerId: 8 });
  expect(world.run(listGroupTransactions).answer).toEqual([
    {
      ...{ producerId: 9, producerEpoch: 0, coordinatorEpoch: 4 },
      ...{ startOffset: 1, startedMs, lastMs: startedMs + 1_000 },
    },
    {
      ...{ producerId: 7, producerEpoch: 0, coordinatorEpoch: -1 },
      ...{ startOffset: 3, startedMs: startedMs + 1_000, lastMs: startedMs + 1_000 },
    },
  ]);
});

it("keeps the offset at which a transaction began, also in a snapshot", () => {
  const world = new TransactionWorld();
  const startOffset = () => world.run(listGroupTransactions).answer[0]?.startOffset;
  world.commitPending("g", T0);
  world.end(true);
  world.commitPending("g", T0);
  // The only pending offset is replaced: the transaction goes on.
  world.commitPending("g", T0);
  world.commitPending("h", T0);
  expect(startOffset()).toBe(2);
  const fromSnapshot = world.replayed(world.snapshot());
  expect(fromSnapshot.offsets.pending.producers).toEqual(world.state.offsets.pending.producers);
  world.crash();
  expect(startOffset()).toBe(2);
  world.end(false);
  expect(startOffset()).toBeUndefined();
  world.commitPending("g", T0);
  expect(startOffset()).toBe(6);
});
