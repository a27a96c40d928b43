// `tarpan dlq` against a real broker, in this process.
import { PassThrough } from "node:stream";
import { Admin, Consumer, GroupConsumer, Producer } from "@tarpan/client";
import { expect, test } from "vitest";
import { useEmbedded } from "./embedded.ts";
import { type CommandOptions, RunningCommand, tarpan } from "./run-command.ts";

const embedded = useEmbedded({ configs: { "group.initial.rebalance.delay.ms": 0 } });

const line = (...argv: string[]) => ["dlq", ...argv, "--bootstrap", embedded.bootstrap];
const dlq = (...argv: string[]) => tarpan(line(...argv));
const json = async (...argv: string[]) => JSON.parse((await dlq(...argv, "-o", "json")).stdout);
const ok = (stdout: string) => ({ code: 0, stdout, stderr: "" });

/** Makes a dead letter of each value. */
async function fail(topic: string, values: readonly string[]): Promise<void> {
  const producer = new Producer(embedded.client);
  for (const value of values)
    await producer.send({ topic, key: value.slice(0, 1), value, headers: [{ key: "h", value }] });
  await producer.close();
  const consumer = new GroupConsumer(embedded.client, {
    ...{ groupId: `${topic}-group`, autoOffsetReset: "earliest", maxWaitMs: 10 },
  });
  await consumer.subscribe([topic]);
  const ending = new AbortController();
  let left = values.length;
  await consumer.run({
    retry: { maxRetries: 0, isFinal: (error) => String(error).includes("final") },
    deadLetter: {},
    signal: ending.signal,
    eachRecord: ({ value }) => {
      if (--left === 0) ending.abort();
      throw new Error(`no ${value}\u001b[31m`);
    },
  });
}

async function valuesOf(topic: string): Promise<string[]> {
  const consumer = new Consumer(embedded.client, {
    isolationLevel: "read_committed",
    maxWaitMs: 20,
  });
  await consumer.assign([{ topic, partition: 0, offset: "earliest" }]);
  const values: string[] = [];
  do values.push(...(await consumer.poll()).map(({ value }) => String(value)));
  while (!consumer.atEnd);
  consumer.close();
  return values;
}

test("list, show, stats: which letters there are, where they came from, why they failed", async () => {
  expect(await dlq("list")).toMatchObject({
    code: 0,
    stdout: "",
    stderr: /no topic of dead letters/,
  });
  await fail("orders", ["a1", "b2", "final"]);
  expect(await dlq("list")).toEqual(ok("topic       letters  redriven\norders.dlq  3        0\n"));
  const shown = await dlq("show", "orders.dlq", "--key", "a");
  const time = "\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z";
  expect(shown.stdout).toMatch(
    new RegExp(`^orders.dlq-0 offset 0
  from      orders-0 offset 0
  group     orders-group, member \\S+
  reason    retries-exhausted
  attempts  1, at ${time}
  error     no a1\\\\x1b\\[31m
  redriven  -
  key       "a"
  value     "a1"
$`),
  );
  const one = await dlq("show", "orders.dlq", "-p", "0", "--offset", "2");
  expect(one.stdout).toMatch(/reason {4}final-error\n.*\n {2}header {4}h="final"\n {2}stack /s);
  const [letter] = await json("show", "orders.dlq", "-p", "0", "--offset", "1");
  expect(letter).toMatchObject({
    ...{ topic: "orders.dlq", partition: 0, offset: 1, key: "b", value: "b2", redriven: false },
    ...{ headers: [["h", "b2"]], origin: { topic: "orders", partition: 0, offset: 1 } },
    ...{ group: "orders-group", reason: "retries-exhausted", attempts: 1 },
  });
  expect((await dlq("stats")).stdout).toBe(
    "orders.dlq: 3 letters, 0 redriven\n  by topic   orders 3\n" +
      "  by reason  retries-exhausted 2, final-error 1\n  by group   orders-group 3\n",
  );
  expect(await json("stats", "orders.dlq")).toEqual([
    {
      ...{ topic: "orders.dlq", letters: 3, redriven: 0, byTopic: { orders: 3 } },
      ...{ byReason: { "retries-exhausted": 2, "final-error": 1 } },
      byGroup: { "orders-group": 3 },
    },
  ]);
});

test.each([
  [["--from", "orders"], 3],
  [["--from", "other"], 0],
  [["--group", "orders-group", "--reason", "final-error"], 1],
  [["--error", "no b"], 1],
  [["--since", "@0", "--until", "2999-01-01"], 3],
  [["--until", "2020-01-01"], 0],
  [["--limit", "2"], 2],
])("show %j", async (filter, count) => {
  expect(await json("show", "orders.dlq", ...filter)).toHaveLength(count);
});

test("redrive sends one or all, to where they came from or elsewhere, each once", async () => {
  const failed = await dlq("redrive", "orders.dlq", "--all", "--to", "ä");
  expect(failed).toMatchObject({ code: 1, stdout: "" });
  expect(failed.stderr).toMatch(/^tarpan: topic ä: .*EXCEPTION\) \(0 letters redriven\)\n$/);
  expect(await dlq("redrive", "orders.dlq", "-p", "0", "--offset", "1")).toEqual(
    ok("redrove 1 letter to where they came from\n"),
  );
  expect(
    await dlq("redrive", "orders.dlq", "--all", "--to", "checked", "--per-second", "50"),
  ).toEqual(ok("redrove 2 letters to checked; 1 were redriven before\n"));
  expect(await json("redrive", "orders.dlq", "--all")).toEqual([
    { topic: "orders.dlq", redriven: 0, skipped: 3 },
  ]);
  expect(await valuesOf("orders")).toEqual(["a1", "b2", "final", "b2"]);
  expect(await valuesOf("checked")).toEqual(["a1", "final"]);
});

test("an interrupted redrive says what is done, and goes on when it is called again", async () => {
  const values = Array.from({ length: 30 }, (_, at) => `v${at}`);
  await fail("many", values);
  const command = new RunningCommand(line("redrive", "many.dlq", "--all", "--per-second", "20"));
  const producer = new Producer(embedded.client);
  while ((await valuesOf("many")).length === values.length) await producer.ready();
  await producer.close();
  command.signal("SIGINT");
  const { code, stdout, stderr } = await command.done;
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(
    /^tarpan: interrupted \(\d+ letters? redriven\); to go on, call it again\n$/,
  );
  const done = Number(/\d+/.exec(stderr)![0]);
  expect(await json("redrive", "many.dlq", "--all")).toMatchObject([
    { redriven: 30 - done, skipped: done },
  ]);
  expect(await valuesOf("many")).toEqual([...values, ...values]);
});

test("purge asks, or is told --yes", async () => {
  const asked = (stdin: string, terminal: boolean) => {
    const options: CommandOptions = { stdin, terminal: { stdin: terminal } };
    return tarpan(line("purge", "many.dlq"), options);
  };
  const question = "many.dlq has 0 letters, and 30 redriven. Delete for good what is in many.dlq?";
  expect(await asked("y\n", false)).toMatchObject({
    ...{ code: 1, stdout: "" },
    stderr: `tarpan: ${question} Add --yes if so\n`,
  });
  for (const answer of ["n\n", "\n", ""])
    expect(await asked(answer, true)).toMatchObject({
      ...{ code: 1, stdout: "" },
      stderr: `${question} [y/N] tarpan: nothing was changed\n`,
    });
  expect((await json("list", "many.dlq"))[0]).toMatchObject({ letters: 0, redriven: 30 });
  const half = ["purge", "orders.dlq", "-p", "0", "--before-offset", "1", "--yes"];
  expect(await dlq(...half)).toEqual(ok("purged orders.dlq-0 before offset 1: 1 offset freed\n"));
  const stdin = new PassThrough();
  const asking = new RunningCommand(line("purge", "many.dlq"), {
    stdin,
    terminal: { stdin: true },
  });
  await asking.logged(/\[y\/N\]/);
  await fail("many", ["late"]);
  stdin.write("y\n");
  expect((await asking.done).stdout).toMatch(/^purged many\.dlq: \d+ offsets freed\n$/);
  // What comes after the question stays.
  expect((await json("list", "many.dlq"))[0]).toMatchObject({ letters: 1, redriven: 0 });
});

test("a topic that has no dead letters is not changed", async () => {
  for (const argv of [
    ["purge", "orders", "--yes"],
    ["redrive", "orders", "--all", "--to", "checked"],
  ])
    expect(await dlq(...argv)).toMatchObject({
      ...{ code: 1, stdout: "" },
      stderr: /^tarpan: orders is no topic of dead letters: 4 of its records .*tarpan dlq list\n$/,
    });
  // With a name of its own, as `deadLetter: { prefix }` makes.
  await new Admin(embedded.client).createTopic({ name: "failed-orders", partitions: 1 });
  expect((await dlq("purge", "failed-orders", "--yes")).code).toBe(0);
});

test.each([
  [["show", "none.dlq"], 1, "there is no topic none.dlq; list the topics of dead letters with"],
  [
    ["show", "orders.dlq", "-p", "0", "--offset", "9"],
    1,
    "no dead letter at orders.dlq-0 offset 9",
  ],
  [["show"], 2, "--topic is missing"],
  [["show", "orders.dlq", "--offset", "1"], 2, "--offset needs --partition"],
  [["show", "orders.dlq", "--since", "noon"], 2, "--since must be @MILLISECONDS or a date"],
  [["redrive", "orders.dlq"], 2, "redrive needs either --all or options that choose letters"],
  [["redrive", "orders.dlq", "--all", "--key", "a"], 2, "redrive needs either --all or"],
  [["redrive", "orders.dlq", "--all", "--to", "orders.dlq"], 1, "is the dead-letter topic itself"],
  [["redrive", "orders.dlq", "--al"], 2, "unknown option --al; did you mean --all?"],
  [["purge", "orders.dlq", "-p", "0"], 2, "--partition and --before-offset need each other"],
  [["purge", "orders.dlq", "--all"], 2, "--all has no effect here"],
  [["list", "--limit", "2"], 2, "--limit has no effect here"],
  [["redriv"], 2, 'there is no "redriv"; did you mean redrive?'],
])("%j is refused", async (argv, code, problem) => {
  const refused = await dlq(...argv);
  expect(refused).toMatchObject({ code, stdout: "", stderr: expect.stringContaining(problem) });
});
