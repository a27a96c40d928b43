// `tarpan produce` by way of delayed messages, an order key, and a transaction.
import { PassThrough } from "node:stream";
import { Admin } from "@tarpan/client";
import { beforeAll, expect, test } from "vitest";
import { useEmbedded } from "./embedded.ts";
import { type CommandOptions, RunningCommand, tarpan } from "./run-command.ts";

const embedded = useEmbedded();

beforeAll(async () => {
  for (const name of ["orders", "reminders"])
    await new Admin(embedded.client).createTopic({ name, partitions: 4 });
});

const line = (...argv: string[]) => [...argv, "--bootstrap", embedded.bootstrap];
const produce = (argv: string[], options?: CommandOptions) =>
  tarpan(line("produce", ...argv), options);
const jsonOf = async (...argv: string[]) =>
  JSON.parse((await tarpan(line(...argv, "-o", "json"))).stdout);
const read = async (topic: string, ...more: string[]) =>
  (await tarpan(line("consume", topic, "-e", ...more))).stdout;
const ok = (stdout: string) => ({ code: 0, stdout, stderr: "" });

test("--delay and --deliver-at: delivered later, listed by id, replaced by the same id", async () => {
  const day = ["--delay", "1d", "--id", "order-1", "-m"];
  expect(await produce(["reminders", ...day, "soon"])).toEqual(
    ok("sent delayed message order-1, for reminders\n"),
  );
  await produce(["reminders", ...day, "later"]);
  const [waiting, ...others] = await jsonOf("delayed", "list");
  expect(others).toEqual([]);
  const aheadMs = waiting.deliverAt - Date.now();
  expect(aheadMs).toBeGreaterThan(86_000_000);
  expect(aheadMs).toBeLessThanOrEqual(86_400_000);

  const past = ["reminders", "--deliver-at", "2020-01-01", "-K", ":", "-p", "3"];
  const [sent, ...rest] = JSON.parse(
    (await produce([...past, "-o", "json"], { stdin: "k:now\n" })).stdout,
  );
  expect([sent, ...rest]).toEqual([
    { id: expect.stringMatching(/^[\w-]{36}$/), topic: "reminders" },
  ]);
  const delivered = await tarpan(line("consume", "reminders", "-c", "1", "-f", "%p %k=%s\\n"));
  expect(delivered.stdout).toBe("3 k=now\n");

  const lines = Array.from({ length: 11 }, (_, at) => `{"value":"v${at}","key":"k"}\n`);
  const many = ["reminders", "--deliver-at", String(Date.now() + 60_000), "--format", "ndjson"];
  expect(await produce(many, { stdin: lines.join("") })).toEqual(
    ok("sent 11 delayed messages; see them with: tarpan delayed list --topic reminders\n"),
  );
  expect(await jsonOf("delayed", "list", "--topic", "reminders")).toHaveLength(12);
  await produce(["reminders", "--delay", "level18", "--id", "level", "-m", "x"]);
  const [level] = await jsonOf("delayed", "list", "--id", "level");
  expect(level.deliverAt - Date.now()).toBeGreaterThan(7_100_000);
});

test("--delay with a tombstone, too far ahead, or to an internal topic is refused", async () => {
  for (const [argv, problem] of [
    [["reminders", "--delay", "1s", "-Z", "-m", ""], "its value must not be null"],
    [["reminders", "--delay", "366d", "-m", "v"], "more than 365 days"],
    [["reminders", "--delay", "level19", "-m", "v"], "level must be 1 to 18, not 19"],
    [["__consumer_offsets", "--delay", "1s", "-m", "v"], "can't be delivered to __consumer"],
  ] as const)
    expect(await produce([...argv])).toMatchObject({
      ...{ code: 1, stdout: "" },
      stderr: expect.stringContaining(problem),
    });
});

test("--order-key: all records go to the partition of the key, whatever their keys", async () => {
  const input = '{"value":"1","key":"a","partition":0}\n{"value":"2","key":"b","partition":1}\n';
  const ordered = ["orders", "--order-key", "user-7"];
  expect((await produce([...ordered, "--format", "ndjson"], { stdin: input })).code).toBe(0);
  expect((await produce(ordered, { stdin: "3\n4\n" })).stdout).toMatch(
    /^sent 2 records to orders-/,
  );
  const lines = (await read("orders", "-f", "%p|%k|%s|%h\\n")).trim().split("\n");
  const partition = lines[0]![0];
  expect(lines).toEqual([
    `${partition}|a|1|tarpan-order-key=user-7`,
    `${partition}|b|2|tarpan-order-key=user-7`,
    `${partition}|user-7|3|`,
    `${partition}|user-7|4|`,
  ]);
});

test("--transactional-id: all records of the input count, or none", async () => {
  const committed = ["--isolation-level", "read_committed"];
  const inOne = ["transfers", "--transactional-id", "import-1"];
  expect(await produce(inOne, { stdin: "1\n2\n" })).toEqual(
    ok("sent 2 records to transfers-0 at offsets 0 to 1\n"),
  );
  const bad = '{"value":"3"}\n{"value":"4"\n';
  const failed = await produce([...inOne, "--format", "ndjson"], { stdin: bad });
  expect(failed).toMatchObject({ code: 1, stdout: "" });
  expect(failed.stderr).toMatch(
    /^tarpan: line 2: not JSON: .*; the transaction is not committed: none of its records/,
  );
  const stdin = new PassThrough();
  const typing = new RunningCommand(line("produce", ...inOne), { stdin });
  stdin.write("5\n");
  while (!(await read("transfers")).includes("5"));
  typing.signal("SIGINT");
  expect(await typing.done).toEqual({
    ...{ code: 1, stdout: "" },
    stderr: "tarpan: interrupted; the transaction is not committed: none of its records counts\n",
  });
  expect(await produce(inOne, { stdin: "" })).toEqual(ok("nothing to send\n"));
  expect(await read("transfers", ...committed)).toBe("1\n2\n");
  expect(await read("transfers")).toBe("1\n2\n5\n");
});

test.each([
  [["--delay", "1s", "--order-key", "k"], "--order-key does not go with --delay"],
  [
    ["--transactional-id", "x", "--deliver-at", "1"],
    "--transactional-id does not go with --deliver-at",
  ],
  [["--delay", "soon"], '--delay must be a duration such as 500ms or 10s, not "soon"'],
  [["--deliver-at", "noon"], "--deliver-at must be @MILLISECONDS or a date"],
  [["--delay", "1s", "--id", "a", "--count", "2"], "--id names one message"],
  [["--id", "a"], "--id has no effect here"],
  [["--order-key", ""], "--order-key is missing"],
  [["--order-key", "k", "--partition", "1"], "--partition does not go with --order-key"],
  [["--transactional-id", "x", "--acks", "1"], "--acks has no effect here"],
])("produce %j is exit code 2", async (argv, problem) => {
  expect(await produce(["orders", "-m", "v", ...argv])).toMatchObject({
    ...{ code: 2, stdout: "" },
    stderr: expect.stringContaining(problem),
  });
});
