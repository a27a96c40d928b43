// `tarpan consume --exec`: a shell command handles each record, with retries and dead letters.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Admin } from "@tarpan/client";
import { afterAll, expect, test } from "vitest";
import { useEmbedded } from "./embedded.ts";
import { RunningCommand, tarpan } from "./run-command.ts";

const directory = mkdtempSync(join(tmpdir(), "tarpan-exec-"));
const embedded = useEmbedded({ configs: { "group.initial.rebalance.delay.ms": 0 } });

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

const line = (...argv: string[]) => [...argv, "--bootstrap", embedded.bootstrap];
const run = (...argv: string[]) => tarpan(line(...argv));
const exec = (topic: string, command: string, ...more: string[]) =>
  line("consume", topic, "--group", `${topic}-group`, "--exec", command, ...more);
const produce = (topic: string, stdin: string) => tarpan(line("produce", topic), { stdin });
const committed = async (topic: string) =>
  (await new Admin(embedded.client).groupOffsets(`${topic}-group`)).map(({ offset }) => offset);

test("runs the command for each record, with its value as input, and commits", async () => {
  await produce("jobs", "one\n\ntwo\n");
  const command = 'echo "$TARPAN_TOPIC-$TARPAN_PARTITION@$TARPAN_OFFSET $TARPAN_ATTEMPT:$(cat)"';
  expect(await tarpan(exec("jobs", command, "--count", "3"))).toEqual({
    ...{ code: 0, stderr: "" },
    stdout: "jobs-0@0 1:one\njobs-0@1 1:\njobs-0@2 1:two\n",
  });
  expect(await committed("jobs")).toEqual([3]);
  await produce("jobs", "three\n");
  const json = await tarpan(exec("jobs", "cat", "--count", "1", "--json"));
  expect(JSON.parse(json.stdout)).toMatchObject({ topic: "jobs", offset: 3, value: "three" });
  // A command need not read its input.
  await produce("jobs", `${"x".repeat(500_000)}\n`);
  expect((await tarpan(exec("jobs", "true", "--count", "1"))).code).toBe(0);
});

test("--retry tries again, --dlq keeps what still fails with what the command said", async () => {
  await produce("work", "good\nbad\nlate\n");
  const file = join(directory, "attempts");
  const command = `value=$(cat); echo "$value $TARPAN_ATTEMPT" >> '${file}'
    case $value-$TARPAN_ATTEMPT in
      bad-*) echo connecting >&2; echo no such account >&2; exit 3;; late-1) exit 1;;
    esac`;
  const retry = ["--retry", "1,delay=1ms,factor=1.5,max-delay=5ms", "--dlq", "--count", "3"];
  const { code, stderr } = await tarpan(exec("work", command, ...retry));
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: "connecting\nno such account\n".repeat(2),
  });
  expect(readFileSync(file, "utf8").trim().split("\n").sort()).toEqual([
    "bad 1",
    "bad 2",
    "good 1",
    "late 1",
    "late 2",
  ]);
  expect(await committed("work")).toEqual([3]);
  const [letter, ...others] = JSON.parse((await run("dlq", "show", "work.dlq", "--json")).stdout);
  expect(others).toEqual([]);
  expect(letter).toMatchObject({
    ...{ value: "bad", attempts: 2, reason: "retries-exhausted", group: "work-group" },
    message: "exit code 3: no such account",
    stack: "connecting\nno such account",
  });
});

test("non-blocking retries: other records with the same key do not wait", async () => {
  await tarpan(line("produce", "later", "-k", "k"), { stdin: "first\nsecond\n" });
  const command =
    "value=$(cat); echo $value $TARPAN_ATTEMPT; test $value-$TARPAN_ATTEMPT != first-1";
  const retry = ["--retry", "1,delay=400ms,mode=non-blocking", "--count", "2"];
  expect(await tarpan(exec("later", command, ...retry))).toEqual({
    ...{ code: 0, stderr: "" },
    stdout: "first 1\nsecond 1\nfirst 2\n",
  });
});

test("without --dlq it ends at a record that fails, which is not committed", async () => {
  await produce("strict", "1\n2\n");
  expect(await tarpan(exec("strict", 'test "$(cat)" = 1'))).toEqual({
    ...{ code: 1, stdout: "" },
    stderr:
      "tarpan: strict-0 offset 1: attempt 1 failed, and run has no deadLetter: exit code 1; " +
      "to go on without such a record: --dlq\n",
  });
  expect(await committed("strict")).toEqual([1]);
});

test("an interrupt lets the command end; a second kills it, and nothing is a dead letter", async () => {
  await produce("slow", "1\n2\n");
  const release = join(directory, "release");
  const waits = `read -r value; echo begin $value; while ! test -e '${release}'; do sleep 0.02; done`;
  const killed = new RunningCommand(exec("slow", waits, "--dlq"));
  await killed.printed(/begin 1/);
  killed.signal("SIGINT");
  await killed.logged(/waiting for running commands/);
  killed.signal("SIGINT");
  expect(await killed.done).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/interrupted: what was not done will be handled again\n$/),
  });
  expect((await run("dlq", "list", "slow.dlq")).stderr).toContain("there is no topic slow.dlq");

  await produce("calm", "1\n2\n");
  const ended = new RunningCommand(exec("calm", `${waits}; echo end`, "--dlq"));
  await ended.printed(/begin 1/);
  ended.signal("SIGTERM");
  await ended.logged(/waiting for running commands/);
  writeFileSync(release, "");
  expect(await ended.done).toMatchObject({ code: 0, stdout: "begin 1\nend\n" });
  expect(await committed("calm")).toEqual([1]);
});

test("-Z prints NULL for null keys and values, as kcat does", async () => {
  await tarpan(line("produce", "grave", "-K", ":", "-Z"), { stdin: "gone:\n:v\n" });
  expect((await run("consume", "grave", "-e", "-Z", "-f", "%k=%s\\n")).stdout).toBe(
    "gone=NULL\nNULL=v\n",
  );
});

const GROUP = ["--group", "g"];
test.each([
  [["--exec", "true"], "--exec needs --group"],
  [[...GROUP, "--retry", "3"], "--retry needs --exec COMMAND"],
  [[...GROUP, "--dlq"], "--dlq needs --exec COMMAND"],
  [[...GROUP, "--exec", ""], "--exec is missing"],
  [[...GROUP, "--exec", "true", "-e"], "--exit has no effect here"],
  [[...GROUP, "--exec", "true", "--retry", "often"], '0 to 1000, not "often"'],
  [[...GROUP, "--exec", "true", "--retry", "1,dely=1s"], 'no setting "dely"; did you mean delay?'],
  [[...GROUP, "--exec", "true", "--retry", "1,delay=1"], "--retry delay must be a duration"],
  [[...GROUP, "--exec", "true", "--retry", "1,factor=0.5"], "--retry factor must be 1 or more"],
  [[...GROUP, "--exec", "true", "--retry", "1,mode=fast"], "must be ordered or non-blocking"],
  [[...GROUP, "--exec", "true", "--concurrency", "101"], "1 to 100"],
])("consume t %j is exit code 2", async (argv, problem) => {
  expect(await run("consume", "t", ...argv)).toMatchObject({
    ...{ code: 2, stdout: "" },
    stderr: expect.stringContaining(problem),
  });
});
