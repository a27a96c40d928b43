// `tarpan consume --group` against a real broker, in this process.
import { Broker } from "@tarpan/broker";
import { Admin, Client } from "@tarpan/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RunningCommand, tarpan } from "./run-command.ts";

let broker: Broker;
let client: Client;
let admin: Admin;

beforeAll(async () => {
  broker = await Broker.start({
    configs: { "group.initial.rebalance.delay.ms": 0, "num.partitions": 2 },
  });
  client = new Client({ bootstrap: broker.bootstrap, timeoutMs: 10_000 });
  admin = new Admin(client);
});

afterAll(async () => {
  await client.close();
  await broker.stop();
});

const inGroup = (topic: string, group: string, ...more: string[]) => [
  ...["consume", "-t", topic, "--group", group, "--bootstrap", broker.bootstrap],
  ...more,
];
const ok = (stdout: string) => ({ code: 0, stdout, stderr: "" });

async function produce(topic: string, text: string, partition = 0): Promise<void> {
  const argv = ["produce", "-t", topic, "-p", String(partition), "-b", broker.bootstrap];
  expect((await tarpan(argv, { stdin: text })).code).toBe(0);
}

test("starts at the group's committed offsets, and commits printed records", async () => {
  await produce("steps", "1\n2\n3\n4\n5\n");
  expect(await tarpan(inGroup("steps", "g", "-c", "2"))).toEqual(ok("1\n2\n"));
  const [{ offset } = { offset: -1 }] = await admin.groupOffsets("g");
  expect(offset).toBe(2);
  expect(await tarpan(inGroup("steps", "g", "-e"))).toEqual(ok("3\n4\n5\n"));
  expect(await tarpan(inGroup("steps", "g", "-e"))).toEqual(ok(""));
  expect(await tarpan(inGroup("steps", "new", "-e", "-o", "latest"))).toEqual(ok(""));
  expect((await admin.describeGroup("g")).members).toEqual([]);
});

test("two members share the partitions; the remaining one takes over", async () => {
  const format = ["-f", "%p:%s\\n"];
  await produce("shared", "a\n", 0);
  const first = new RunningCommand(inGroup("shared", "s", ...format));
  await first.printed(/0:a/);
  const second = new RunningCommand(inGroup("shared", "s", ...format));
  // Each of the two reads one of the two partitions once the group has settled.
  for (;;) {
    const { members } = await admin.describeGroup("s");
    if (members.length === 2 && members.every((each) => each.partitions.length === 1)) break;
  }
  await produce("shared", "b\n", 0);
  await produce("shared", "c\n", 1);
  const readers = await Promise.all([
    Promise.race([
      first.printed(/0:b/).then(() => first),
      second.printed(/0:b/).then(() => second),
    ]),
    Promise.race([
      first.printed(/1:c/).then(() => first),
      second.printed(/1:c/).then(() => second),
    ]),
  ]);
  expect(new Set(readers).size).toBe(2);
  first.signal("SIGINT");
  expect((await first.done).code).toBe(0);
  await produce("shared", "d\n", 0);
  await produce("shared", "e\n", 1);
  await second.printed(/0:d/);
  await second.printed(/1:e/);
  second.signal("SIGTERM");
  expect((await second.done).code).toBe(0);
  const offsets = await admin.groupOffsets("s");
  expect(offsets.map(({ partition, offset }) => [partition, offset])).toEqual([
    [0, 3],
    [1, 2],
  ]);
});

test("an unknown topic is refused at once", async () => {
  expect(await tarpan(inGroup("nowhere", "g"))).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("there is no topic nowhere"),
  });
});
