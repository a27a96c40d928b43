// A member of the consumer protocol and a scripted coordinator that assigns, moves and fences.
import { type Api, ConsumerGroupHeartbeat, ErrorCode } from "@tarpan/protocol";
import { afterEach, expect, test } from "vitest";
import { ConsumerMembership } from "../../src/group/consumer-membership.ts";
import { TopicNames } from "../../src/group/topic-names.ts";
import { type Answer, scriptedCoordinator } from "./scripted-coordinator.ts";

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const T = "00000000-0000-4000-8000-000000000001";
const UNKNOWN = "00000000-0000-4000-8000-000000000002";
const topic = { errorCode: 0, name: "t", topicId: T, isInternal: false, partitions: [] };
const HEARTBEAT = ConsumerGroupHeartbeat as Api;

interface Assigned {
  readonly topicId: string;
  readonly partitions: readonly number[];
}

/** A member whose coordinator sends these answers in turn; `asked` are its heartbeats. */
async function memberOf(
  script: readonly Answer[],
  { groupInstanceId = null as string | null, maxPollIntervalMs = 6_000 } = {},
) {
  const asked: string[] = [];
  let wake = () => {};
  const coordinator = await scriptedCoordinator([HEARTBEAT], script, [topic], (_api, body) => {
    asked.push(described(body));
    wake();
  });
  const member = new ConsumerMembership(
    coordinator.link,
    new TopicNames(coordinator.client),
    { groupInstanceId, maxPollIntervalMs, remoteAssignor: "range" },
    () => wake(),
  );
  closing.push(async () => {
    await coordinator.close();
    await member.end(false);
  });
  member.subscribe(["t"]);
  const until = async (condition: () => boolean) => {
    while (!condition())
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  };
  return { member, asked, until };
}

/** The epoch, then what the heartbeat tells beside it. */
function described(body: Readonly<Record<string, unknown>>): string {
  const { memberEpoch, subscribedTopicNames, serverAssignor, rebalanceTimeoutMs } = body;
  const owned = body.topicPartitions as readonly Assigned[] | null;
  const told = [
    ...(rebalanceTimeoutMs === -1 ? [] : ["all"]),
    ...(subscribedTopicNames === null ? [] : [`topics=${subscribedTopicNames}`]),
    ...(serverAssignor === null ? [] : [`assignor=${serverAssignor}`]),
    ...(owned === null ? [] : [`owned=${owned.map(({ partitions }) => `[${partitions}]`)}`]),
  ];
  return [memberEpoch, ...told].join(" ");
}

const beaten = (memberEpoch: number, partitions: readonly number[] | null = null): Answer =>
  assigned(memberEpoch, partitions === null ? null : [{ topicId: T, partitions }]);
const assigned = (
  memberEpoch: number,
  list: readonly Assigned[] | null,
  heartbeatIntervalMs = 5,
): Answer => [
  HEARTBEAT,
  {
    ...{ errorCode: 0, memberId: "m", memberEpoch, heartbeatIntervalMs },
    assignment: list === null ? null : { topicPartitions: list },
  },
];
const refused = (errorCode: number, errorMessage: string | null = null): Answer => [
  HEARTBEAT,
  { errorCode, errorMessage, memberEpoch: 0, heartbeatIntervalMs: 0 },
];

const ALL = "all topics=t assignor=range";
const partitions = (...numbers: number[]) =>
  numbers.map((partition) => ({ topic: "t", partition }));

test("it tells all when it joins, then only what has changed; what it owns once it is taken", async () => {
  const { member, asked, until } = await memberOf([
    beaten(1, [0, 1]),
    beaten(1),
    beaten(1),
    beaten(2, [0]),
    beaten(2),
    beaten(3),
  ]);
  member.join();
  await until(() => member.offered !== null);
  expect(member.offered).toEqual(partitions(0, 1));
  expect(member.committer).toEqual({ memberId: "m", generation: 1, groupInstanceId: null });
  await until(() => asked.length === 2);
  member.accepted(member.offered!);
  await until(() => member.offered !== null);
  expect(member.offered).toEqual(partitions(0));
  expect(member.committer?.generation).toBe(2);
  member.accepted(member.offered!);
  await until(() => asked.length >= 6);
  expect(asked[0]).toBe(`0 ${ALL} owned=`);
  // A heartbeat without news may lie between two of these.
  const told = asked.slice(1).filter((each) => each.includes("owned"));
  expect(told).toEqual(["1 owned=[0,1]", "2 owned=[0]"]);
  expect(asked.slice(1).every((each) => !each.includes("topics"))).toBe(true);
});

test("a later assignment takes the place of one that is being taken, even if nothing is left to do", async () => {
  const { member, asked, until } = await memberOf([
    beaten(1, [0, 1]),
    beaten(1),
    beaten(2, [0]),
    beaten(3, [0, 1]),
    beaten(3),
  ]);
  member.join();
  await until(() => member.offered !== null);
  member.accepted(member.offered!);
  await until(() => member.offered !== null);
  const first = member.offered!;
  expect(first).toEqual(partitions(0));
  // The consumer may have given up partition 1 already: it must take it again.
  await until(() => member.offered !== first);
  expect(member.offered).toEqual(partitions(0, 1));
  member.accepted(first);
  expect(member.offered).toEqual(partitions(0, 1));
  await until(() => asked.length >= 5);
});

test("after an error it tells all again; another coordinator is looked for", async () => {
  const { member, asked, until } = await memberOf([
    refused(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS),
    beaten(1, [0]),
    refused(ErrorCode.NOT_COORDINATOR),
    beaten(1, [0]),
    beaten(1),
  ]);
  member.join();
  await until(() => member.offered !== null);
  expect(member.trouble).toBe(null);
  await until(() => asked.length === 4);
  expect(asked.slice(0, 2)).toEqual([`0 ${ALL} owned=`, `0 ${ALL} owned=`]);
  expect(asked[3]).toBe(`1 ${ALL} owned=`);
});

test.each([
  ErrorCode.FENCED_MEMBER_EPOCH,
  ErrorCode.UNKNOWN_MEMBER_ID,
  ErrorCode.GROUP_ID_NOT_FOUND,
])("error %i: it loses its partitions, and joins again under the same id", async (errorCode) => {
  const { member, asked, until } = await memberOf([
    beaten(4, [0]),
    refused(errorCode),
    beaten(6, [0]),
  ]);
  member.join();
  await until(() => member.lost);
  expect(member.committer).toBe(null);
  expect(member.offered).toBe(null);
  expect(member.joinDue).toBe(true);
  member.lost = false;
  member.join();
  await until(() => member.offered !== null);
  expect(member.committer).toMatchObject({ memberId: "m", generation: 6 });
  expect(asked).toEqual([`0 ${ALL} owned=`, "4", `0 ${ALL} owned=`]);
});

test.each([
  [ErrorCode.UNRELEASED_INSTANCE_ID, "UNRELEASED_INSTANCE_ID"],
  [ErrorCode.GROUP_MAX_SIZE_REACHED, "GROUP_MAX_SIZE_REACHED"],
  [ErrorCode.GROUP_ID_NOT_FOUND, "GROUP_ID_NOT_FOUND"],
] as const)("error %i to a join is final", async (errorCode, name) => {
  const { member, until } = await memberOf([refused(errorCode, "the reason")]);
  member.join();
  await until(() => member.failure !== null);
  expect(member.failure).toMatchObject({ code: `TARPAN_KAFKA_${name}` });
  expect(member.failure!.message).toContain("the reason");
});

test("brokers without the protocol: the error says what to do", async () => {
  const { member, until } = await memberOf([refused(ErrorCode.UNSUPPORTED_VERSION)]);
  member.join();
  await until(() => member.failure !== null);
  expect(member.failure).toMatchObject({ code: "TARPAN_UNSUPPORTED_VERSION" });
  expect(member.failure!.message).toContain("use groupProtocol");
});

test("a forbidden topic: polls are told, and heartbeats go on until it is allowed", async () => {
  const { member, until } = await memberOf([
    refused(ErrorCode.TOPIC_AUTHORIZATION_FAILED),
    beaten(1, [0]),
  ]);
  member.join();
  await until(() => member.trouble !== null);
  expect(member.trouble!.error).toMatchObject({ code: "TARPAN_KAFKA_TOPIC_AUTHORIZATION_FAILED" });
  await until(() => member.offered !== null);
  expect(member.trouble).toBe(null);
  expect(member.failure).toBe(null);
});

test("a commit in an old epoch may be tried again, one of a removed member not", async () => {
  const { member, asked, until } = await memberOf([beaten(1, [0]), beaten(2), beaten(2)]);
  member.join();
  await until(() => member.offered !== null);
  expect(member.refused(ErrorCode.STALE_MEMBER_EPOCH, "c").retriable).toBe(true);
  await until(() => member.committer?.generation === 2 || asked.length > 2);
  expect(member.refused(ErrorCode.UNKNOWN_MEMBER_ID, "c").retriable).toBe(false);
  expect(member.lost).toBe(true);
});

test("a topic whose name is not known yet waits, the others are taken", async () => {
  const { member, until } = await memberOf([
    assigned(1, [
      { topicId: UNKNOWN, partitions: [0] },
      { topicId: T, partitions: [3] },
    ]),
    beaten(1),
  ]);
  member.join();
  await until(() => member.offered !== null);
  expect(member.offered).toEqual(partitions(3));
});

test.each([
  [null, "-1"],
  ["i", "-2"],
])(
  "no poll in time: member %s leaves with epoch %s, and joins at the next poll",
  async (id, epoch) => {
    const left = beaten(Number(epoch));
    const options = { groupInstanceId: id, maxPollIntervalMs: 0 };
    const { member, asked, until } = await memberOf(
      [beaten(1, [0]), left, beaten(2, [0])],
      options,
    );
    member.join();
    await until(() => member.offered !== null);
    member.polled();
    await until(() => asked.length === 2);
    expect(asked[1]).toBe(epoch);
    expect(member.lost && member.joinDue).toBe(true);
    member.polling();
    member.lost = false;
    member.join();
    await until(() => member.offered !== null);
    expect(asked[2]).toBe(`0 ${ALL} owned=`);
  },
);

test.each([
  [null, true, ["-1"]],
  [null, false, []],
  ["i", true, ["-1"]],
  ["i", false, ["-2"]],
])("member %s ends with leave %s: it sends %j", async (groupInstanceId, leave, sent) => {
  const { member, asked, until } = await memberOf(
    [assigned(1, [{ topicId: T, partitions: [0] }], 60_000), beaten(-1)],
    {
      groupInstanceId,
    },
  );
  member.join();
  await until(() => member.offered !== null);
  await member.end(leave);
  expect(asked.slice(1)).toEqual(sent);
});
