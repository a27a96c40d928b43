// Whole command lines about groups against a real broker, in this process.
import { Broker } from "@tarpan/broker";
import { Admin, Client, Producer } from "@tarpan/client";
import { encodeConsumerAssignment, JoinGroup, SyncGroup } from "@tarpan/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tarpan } from "./run-command.ts";

let broker: Broker;
let client: Client;
let admin: Admin;

beforeAll(async () => {
  broker = await Broker.start({ configs: { "group.initial.rebalance.delay.ms": 0 } });
  client = new Client({ bootstrap: broker.bootstrap, timeoutMs: 10_000 });
  admin = new Admin(client);
  await admin.createTopic({ name: "orders", partitions: 2 });
  await admin.createTopic({ name: "bills", partitions: 1 });
  const producer = new Producer(client);
  for (const timestamp of [1000, 2000, 3000, 4000, 5000])
    await producer.send({ topic: "orders", partition: 0, value: "v", timestamp });
  await producer.send({ topic: "bills", partition: 0, value: "v" });
  await producer.close();
});

afterAll(async () => {
  await client.close();
  await broker.stop();
});

const at = (...argv: string[]) => tarpan(["group", ...argv, "--bootstrap", broker.bootstrap]);
const ok = (stdout: string) => ({ code: 0, stdout, stderr: "" });

const commit = (groupId: string, offset: number) =>
  admin.alterGroupOffsets(groupId, [{ topic: "orders", partition: 0, offset }]);

const orders = (offset: number) => [{ topic: "orders", partition: 0, offset, metadata: "" }];

test("list says that there are no groups, then lists them", async () => {
  expect(await at("list")).toEqual({
    code: 0,
    stdout: "",
    stderr: "no groups yet; a consumer creates its group when it joins\n",
  });
  await commit("listed", 2);
  expect(await at("list")).toEqual(ok("group   type     state\nlisted  classic  Empty\n"));
  expect(await at("describe", "--group", "listed")).toEqual(
    ok("group listed (classic): Empty, 0 members, coordinator: 1\n"),
  );
  expect(await at("lag", "-g", "listed")).toEqual(
    ok(
      "topic   partition  committed  end offset  lag  member\n" +
        "orders  0          2          5           3    -\n",
    ),
  );
});

test("delete removes the group and its committed offsets", async () => {
  await commit("gone", 1);
  expect(await at("delete", "--group", "gone")).toEqual(ok("deleted group gone\n"));
  expect(await admin.groupOffsets("gone")).toEqual([]);
  for (const action of ["describe", "lag", "delete"])
    expect(await at(action, "--group", "gone")).toEqual({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(
        /^tarpan: group gone: .*\(GROUP_ID_NOT_FOUND\); list the groups with: .*group list\n$/,
      ),
    });
});

describe("reset-offsets", () => {
  test("shows the plan, and commits only with --execute", async () => {
    await commit("plan", 4);
    const argv = ["reset-offsets", "--group", "plan", "--to-earliest", "--topic", "orders"];
    const table =
      "topic   partition  committed  new offset\n" +
      "orders  0          4          0\n" +
      "orders  1          -          0\n";
    expect(await at(...argv)).toEqual({
      code: 0,
      stdout: table,
      stderr: "nothing was changed; to commit these offsets, add: --execute\n",
    });
    expect(await admin.groupOffsets("plan")).toEqual(orders(4));
    expect(await at(...argv, "--execute")).toEqual(
      ok(`${table}reset the offsets of group plan in 2 partitions\n`),
    );
    expect(await admin.groupOffsets("plan")).toEqual([
      ...orders(0),
      { topic: "orders", partition: 1, offset: 0, metadata: "" },
    ]);
  });

  test.each([
    [["--to-earliest"], 0],
    [["--to-latest"], 5],
    [["--to-offset", "3"], 3],
    [["--to-offset", "99"], 5],
    [["--shift-by", "2"], 4],
    [["--shift-by", "-1"], 1],
    [["--shift-by=-9"], 0],
    [["--to-datetime", "@2500"], 2],
    [["--to-datetime", "1970-01-01T00:00:04Z"], 3],
    [["--to-datetime", "2999-01-01"], 5],
  ])("%j", async (where, offset) => {
    await admin.deleteGroups(["where"]).catch(() => {});
    await commit("where", 2);
    const argv = ["reset-offsets", "where", ...where, "--all-topics", "--execute"];
    expect((await at(...argv)).code).toBe(0);
    expect(await admin.groupOffsets("where")).toEqual(orders(offset));
  });

  test("some partitions of several topics, for a group that the commit creates", async () => {
    const scope = ["--topic", "orders:0", "--topic", "bills"];
    const argv = ["reset-offsets", "made", "--to-latest", ...scope, "--execute"];
    expect((await at(...argv)).code).toBe(0);
    expect(await admin.groupOffsets("made")).toEqual([
      { topic: "bills", partition: 0, offset: 1, metadata: "" },
      ...orders(5),
    ]);
  });

  test.each([
    [["--to-earliest", "--all-topics"], "group none has committed nothing; name topics with"],
    [["--shift-by", "1", "-t", "orders:1"], "nothing is committed for orders-1, so"],
    [["--to-earliest", "-t", "orders:7"], "topic orders has no partition 7, only 0 to 1; see"],
    [["--to-offset", "7", "-t", "orders:7"], "topic orders has no partition 7, only 0 to 1; see"],
    [["--to-earliest", "-t", "nowhere"], "there is no topic nowhere; create it"],
  ])("%j can't be done", async (argv, message) => {
    const { code, stdout, stderr } = await at("reset-offsets", "none", ...argv, "--execute");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(message);
    expect(stderr.match(/\n/g)).toHaveLength(1);
    expect(await admin.groupOffsets("none")).toEqual([]);
  });
});

test("a group with members is described, and neither reset nor deleted", async () => {
  const connection = await client.anyConnection();
  const join = {
    groupId: "busy",
    sessionTimeoutMs: 45_000,
    rebalanceTimeoutMs: 45_000,
    memberId: "",
    protocolType: "consumer",
    protocols: [{ name: "range", metadata: new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0, 0, 0]) }],
  };
  // From version 4 on, a new member must join twice: the first answer tells it its member id.
  const joined = await connection.request(JoinGroup, join, { maxVersion: 3 });
  const { memberId, generationId } = joined;
  const assignment = encodeConsumerAssignment(
    { assignedPartitions: [{ topic: "orders", partitions: [0, 1] }], userData: null },
    0,
  );
  const assignments = [{ memberId, assignment }];
  await connection.request(SyncGroup, {
    groupId: "busy",
    generationId,
    memberId,
    protocolType: "consumer",
    protocolName: "range",
    assignments,
  });
  const described = (await at("describe", "busy")).stdout.split("\n");
  expect(described[0]).toBe("group busy (classic, range): Stable, 1 member, coordinator: 1");
  expect(described[2]).toMatch(new RegExp(`^${memberId} +- +tarpan +\\S+ +orders:0,1$`));
  const lag = (await at("lag", "busy")).stdout.split("\n");
  expect(lag[1]).toMatch(new RegExp(`^orders +0 +- +5 +- +${memberId}$`));
  const reset = ["reset-offsets", "busy", "--to-earliest", "-t", "orders", "--execute"];
  expect(await at(...reset)).toEqual({
    code: 1,
    stdout: "",
    stderr:
      "tarpan: group busy is in state Stable with 1 member; stop its consumers first, then its " +
      "offsets can be reset\n",
  });
  expect(await at("delete", "busy")).toEqual({
    code: 1,
    stdout: "",
    stderr: expect.stringMatching(/^tarpan: group busy: .*\(NON_EMPTY_GROUP\); stop its .*\n$/),
  });
});

test.each([
  [[], "needs one of list, describe, lag, reset-offsets, delete"],
  [["describe"], "--group is missing"],
  [["reset-offsets", "g", "--all-topics"], "needs exactly one of --to-earliest, --to-latest"],
  [["reset-offsets", "g", "--to-earliest", "--to-latest", "--all-topics"], "needs exactly one of"],
  [["reset-offsets", "g", "--to-earliest"], "needs either --topic NAME[:0,1] or --all-topics"],
  [["reset-offsets", "g", "--to-earliest", "-t", "t", "--all-topics"], "needs either --topic"],
  [["reset-offsets", "g", "--to-earliest", "-t", "t:x"], "--topic must be a name or NAME:0,1"],
  [["reset-offsets", "g", "--to-datetime", "soon", "-t", "t"], "--to-datetime must be @MILLI"],
  [["reset-offsets", "g", "--to-offset", "-1", "-t", "t"], "--to-offset must be a whole number"],
])("%j is exit code 2", async (argv, message) => {
  const { code, stdout, stderr } = await at(...argv);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(message);
  expect(stderr.match(/\n/g)).toHaveLength(1);
});
