import {
  decodeConsumerAssignment,
  ErrorCode,
  encodeConsumerAssignment,
  encodeConsumerSubscription,
} from "@tarpan/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import type { SyncAnswer } from "../../../src/groups/model/classic/member.ts";
import { EMPTY_BYTES } from "../../../src/groups/model/classic/records.ts";
import { heartbeat } from "../../../src/groups/operations/classic-heartbeat.ts";
import { joinGroup } from "../../../src/groups/operations/classic-join.ts";
import { leaveGroup } from "../../../src/groups/operations/classic-leave.ts";
import { syncGroup } from "../../../src/groups/operations/classic-sync.ts";
import type { GroupOperation } from "../../../src/groups/turn.ts";
import { ConsumerWorld, hardState, SESSION_MS, topicId } from "./world.ts";

const T = topicId("t");
const CLASSIC_SESSION_MS = 10_000;
let world: ConsumerWorld;

beforeEach(() => {
  world = new ConsumerWorld();
  world.setTopics({ t: 4 });
});

const owning = (...partitions: number[]) => [{ topicId: T, partitions }];

interface Joining {
  readonly memberId?: string;
  readonly groupInstanceId?: string | null;
  readonly owned?: number[];
  readonly protocol?: string;
  readonly topics?: string[];
  readonly version?: number;
  /** Offered before the others, with metadata that is no subscription. */
  readonly customProtocol?: string;
}

/** Runs an operation. Returns a list that gets its answer. */
function begin<T>(operation: GroupOperation<T>): T[] {
  const answers: T[] = [];
  world.step((turn) => operation(turn, (answer) => answers.push(answer)));
  return answers;
}

function join({ version = 9, ...joining }: Joining) {
  const metadata = encodeConsumerSubscription({
    topics: joining.topics ?? ["t"],
    ownedPartitions: [{ topic: "t", partitions: joining.owned ?? [] }],
  });
  const request = {
    groupId: "g",
    sessionTimeoutMs: CLASSIC_SESSION_MS,
    rebalanceTimeoutMs: 20_000,
    memberId: joining.memberId ?? "",
    groupInstanceId: joining.groupInstanceId ?? null,
    protocolType: "consumer",
    protocols: [
      ...(joining.customProtocol ? [{ name: joining.customProtocol, metadata: EMPTY_BYTES }] : []),
      { name: joining.protocol ?? "range", metadata },
    ],
    reason: null,
  };
  const sender = { version, clientId: "old", clientHost: "/127.0.0.1" };
  return begin(joinGroup({ request, ...sender }));
}

function sync(
  memberId: string,
  generationId: number,
  assigned: Record<string, number[]> = {},
  groupInstanceId: string | null = null,
) {
  const assignments = Object.entries(assigned).map(([id, partitions]) => ({
    memberId: id,
    assignment: encodeConsumerAssignment({ assignedPartitions: [{ topic: "t", partitions }] }),
  }));
  const names = { protocolType: "consumer", protocolName: "range" };
  const own = { groupId: "g", memberId, generationId, groupInstanceId };
  const request = { ...own, ...names, assignments };
  return begin(syncGroup(request));
}

function beat(memberId: string, generationId: number): number {
  const request = { groupId: "g", memberId, generationId, groupInstanceId: null };
  return world.run(heartbeat(request)).answer;
}

function leave(...memberIds: string[]): readonly number[] {
  const leaving = memberIds.map((memberId) => ({ memberId, groupInstanceId: null }));
  return world.run(leaveGroup("g", leaving)).answer.memberErrors;
}

const assignedBy = (answer: SyncAnswer | undefined) =>
  decodeConsumerAssignment(answer!.assignment as Uint8Array).assignedPartitions.flatMap(
    ({ partitions }) => partitions,
  );

/** Two classic members in a stable group; the first is the leader. Returns ids and generation. */
function classicGroup(): [first: string, second: string, generation: number] {
  const first = join({ version: 3 });
  const second = join({ version: 3 });
  world.advance(10_000);
  const { memberId: leader, generationId } = first[0]!;
  const other = second[0]!.memberId;
  sync(other, generationId!);
  sync(leader, generationId!, { [leader]: [0, 1], [other]: [2, 3] });
  expect(world.state.groups.get("g")!.stateName).toBe("Stable");
  return [leader, other, generationId!];
}

describe("a classic group that a member of the consumer protocol joins", () => {
  it("becomes a consumer group in which the members keep their partitions", () => {
    const [first, second, generation] = classicGroup();
    const answer = world.join("new");
    expect(answer).toMatchObject({ errorCode: 0, memberEpoch: generation + 1 });
    expect(answer.assignment).toEqual({ topicPartitions: [] });
    const group = world.group();
    expect(group.members.get(first)).toMatchObject({ epoch: generation, state: 0 });
    expect([...group.members.get(first)!.assigned.get(T)!]).toEqual([0, 1]);
    expect([...group.members.get(second)!.assigned.get(T)!]).toEqual([2, 3]);
    expect(group.members.get(first)!.classic).toMatchObject({
      sessionTimeoutMs: CLASSIC_SESSION_MS,
      supportedProtocols: [{ name: "range" }],
    });
    expect(hardState(world.replayed())).toEqual(hardState(world.state));
  });

  it("makes its classic members join again and revoke the new member's partitions", () => {
    const [first, second, generation] = classicGroup();
    world.join("new");
    const epoch = generation + 1;
    expect(beat(first, generation)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    const target = (id: string) => [...(world.group().target(id)?.get(T) ?? [])];
    const giver = target(first).length === 1 ? first : second;
    // It keeps its partitions until a join without them confirms the revocation.
    const owned = giver === first ? [0, 1] : [2, 3];
    const [told] = join({ memberId: giver, owned });
    expect(told).toMatchObject({ errorCode: 0, generationId: generation, leader: "", members: [] });
    expect(assignedBy(sync(giver, generation)[0])).toEqual(target(giver));
    expect(world.beat({ memberId: "new", memberEpoch: epoch }).answer.assignment).toBeNull();
    expect(beat(giver, generation)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    const [again] = join({ memberId: giver, owned: target(giver) });
    expect(again).toMatchObject({ errorCode: 0, generationId: epoch });
    expect(assignedBy(sync(giver, epoch)[0])).toEqual(target(giver));
    expect(beat(giver, epoch)).toBe(0);
    const given = world.beat({ memberId: "new", memberEpoch: epoch }).answer;
    expect(given.assignment).toEqual({ topicPartitions: owning(...target("new")) });
  });

  it("answers the joins that wait in its rebalance", () => {
    const [first] = classicGroup();
    const waiting = join({ memberId: first, topics: ["t", "u"] });
    expect(waiting).toEqual([]);
    world.join("new");
    expect(waiting).toMatchObject([{ errorCode: ErrorCode.REBALANCE_IN_PROGRESS }]);
  });

  it("stays a classic group when group.consumer.migration.policy does not allow upgrades", () => {
    world = new ConsumerWorld({ groupConsumerMigrationPolicy: "downgrade" });
    world.setTopics({ t: 4 });
    classicGroup();
    const { answer, records } = world.beat({
      memberId: "new",
      rebalanceTimeoutMs: 1,
      subscribedTopicNames: ["t"],
      topicPartitions: [],
    });
    expect(answer.errorCode).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
    expect(records).toEqual([]);
    expect(world.beat({ memberId: "new", memberEpoch: 1 }).answer.errorCode).toBe(69);
  });

  it("leaves a partition that the leader assigned to two members to one of them only", () => {
    const one = join({ version: 3 });
    world.advance(10_000);
    const two = join({ version: 3 });
    const [leader] = join({ memberId: one[0]!.memberId, version: 3 });
    const { memberId, generationId } = leader!;
    const other = two[0]!.memberId;
    sync(other, generationId!);
    sync(memberId, generationId!, { [memberId]: [0, 1], [other]: [1, 2] });
    world.join("new");
    const held = [...world.group().members.values()].flatMap(({ assigned }) => [
      ...(assigned.get(T) ?? []),
    ]);
    // The new member gets partition 3, which the leader assigned to no member.
    expect(held.toSorted()).toEqual([0, 1, 2, 3]);
  });

  it("is replaced by a consumer group when it is empty", () => {
    const [first, second] = classicGroup();
    leave(first, second);
    const { records, answer } = world.beat({
      memberId: "new",
      rebalanceTimeoutMs: 1,
      subscribedTopicNames: ["t"],
      topicPartitions: [],
    });
    expect(answer.memberEpoch).toBe(1);
    expect(records[0]).toMatchObject({ record: "GroupMetadata", value: null });
    expect(hardState(world.replayed())).toEqual(hardState(world.state));
  });
});

describe("a classic member of a consumer group", () => {
  it("joins with the id that it first got, and the coordinator assigns its partitions", () => {
    world.join("new");
    const [required] = join({});
    expect(required).toMatchObject({ errorCode: ErrorCode.MEMBER_ID_REQUIRED });
    const { memberId } = required!;
    const [joined] = join({ memberId });
    expect(joined).toMatchObject({ errorCode: 0, generationId: 2, protocolName: "range" });
    expect(assignedBy(sync(memberId, 2)[0])).toEqual([]);
    expect(beat(memberId, 2)).toBe(0);
    world.beat({ memberId: "new", memberEpoch: 1 });
    world.beat({ memberId: "new", memberEpoch: 1, topicPartitions: owning(0, 1) });
    // The partitions that it waits for are free now.
    expect(beat(memberId, 2)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    join({ memberId });
    expect(assignedBy(sync(memberId, 2)[0])).toEqual([2, 3]);
    expect(beat(memberId, 2)).toBe(0);
  });

  it("is refused with the same errors as in a classic group", () => {
    world.join("new");
    const [joined] = join({ version: 3 });
    const { memberId } = joined!;
    expect(beat(memberId, 9)).toBe(ErrorCode.ILLEGAL_GENERATION);
    expect(beat("nobody", 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(beat("new", 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(sync(memberId, 9)[0]!.errorCode).toBe(ErrorCode.ILLEGAL_GENERATION);
    expect(leave("nobody", memberId)).toEqual([ErrorCode.UNKNOWN_MEMBER_ID, 0]);
    const [other] = join({ version: 3 });
    expect(other!.errorCode).toBe(0);
    expect(join({ version: 3, protocol: "sticky" })[0]!.errorCode).toBe(23);
  });

  it("is removed when its own session ends", () => {
    world.join("new");
    const [joined] = join({ version: 3 });
    sync(joined!.memberId, joined!.generationId!);
    world.advance(CLASSIC_SESSION_MS - 1);
    expect(world.group().members.size).toBe(2);
    world.advance(1);
    expect(world.group().members.size).toBe(1);
  });

  it("is removed when it does not join again in time", () => {
    world.join("new");
    const [joined] = join({ version: 3 });
    const { memberId, generationId } = joined!;
    sync(memberId, generationId!);
    world.join("third");
    for (let waited = 0; waited < 20_000; waited += 5_000) {
      expect(beat(memberId, generationId!)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
      world.beat({ memberId: "new", memberEpoch: 1, topicPartitions: owning(0, 1) });
      world.advance(5_000);
    }
    expect(world.group().members.has(memberId)).toBe(false);
  });

  it("that is static keeps its partitions when it changes to the consumer protocol", () => {
    const joined = join({ version: 3, groupInstanceId: "i" });
    world.advance(3_000);
    const { memberId, generationId } = joined[0]!;
    sync(memberId, generationId!, { [memberId]: [0, 1, 2, 3] }, "i");
    const answer = world.join("changed", { instanceId: "i" });
    expect(answer.errorCode).toBe(0);
    expect(answer.assignment).toEqual({ topicPartitions: owning(0, 1, 2, 3) });
    expect([...world.group().members.keys()]).toEqual(["changed"]);
    expect(world.group().classicMemberCount).toBe(0);
    expect(hardState(world.replayed())).toEqual(hardState(world.state));
  });
});

describe("a consumer group in which only classic members stay", () => {
  it("becomes a classic group and rebalances", () => {
    const [first, second, generation] = classicGroup();
    world.join("new");
    const { records } = world.beat({ memberId: "new", memberEpoch: -1 });
    const last = records.at(-1)!;
    expect(last.record).toBe("GroupMetadata");
    expect(last.value).toMatchObject({ protocolType: "consumer", generation: generation + 1 });
    expect(world.state.groups.get("g")!.kind).toBe("classic");
    expect(hardState(world.replayed())).toEqual(hardState(world.state));
    world.advance(0);
    expect(world.state.groups.get("g")!.stateName).toBe("PreparingRebalance");
    const answers = [join({ memberId: first }), join({ memberId: second })].flat();
    expect(answers.map(({ errorCode }) => errorCode)).toEqual([0, 0]);
    expect(answers[0]!.generationId).toBe(generation + 2);
  });

  it("becomes a classic group also when the session of the last other member ends", () => {
    const [first, second, generation] = classicGroup();
    world.join("new");
    for (let waited = 0; waited < SESSION_MS; waited += 5_000) {
      for (const memberId of [first, second]) {
        join({ memberId, owned: [] });
        const { epoch } = world.group().members.get(memberId)!;
        sync(memberId, epoch);
        beat(memberId, epoch);
      }
      expect(world.group().epoch).toBeGreaterThan(generation);
      world.advance(5_000);
    }
    expect(world.state.groups.get("g")!.kind).toBe("classic");
  });

  it("becomes a classic group also when its protocol's metadata has no version", () => {
    const first = join({ version: 3, customProtocol: "custom" });
    const second = join({ version: 3 });
    world.advance(10_000);
    const { memberId: leader, generationId } = first[0]!;
    const other = second[0]!.memberId;
    sync(leader, generationId!, { [leader]: [0, 1], [other]: [2, 3] });
    world.join("new");
    leave(other);
    world.beat({ memberId: "new", memberEpoch: -1 });
    expect(world.state.groups.get("g")).toMatchObject({ kind: "classic" });
    const [answer] = join({ memberId: leader, customProtocol: "custom" });
    expect(answer).toMatchObject({ errorCode: 0, protocolName: "custom" });
  });

  it("stays a consumer group when the migration policy does not allow downgrades", () => {
    world = new ConsumerWorld({ groupConsumerMigrationPolicy: "upgrade" });
    world.setTopics({ t: 4 });
    classicGroup();
    world.join("new");
    world.beat({ memberId: "new", memberEpoch: -1 });
    expect(world.group().members.size).toBe(2);
  });
});
