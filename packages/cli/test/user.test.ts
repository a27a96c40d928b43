// Whole command lines about users against a real broker.
import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Admin } from "@tarpan/client";
import { afterEach, describe, expect, test } from "vitest";
import { useEmbedded } from "./embedded.ts";
import { tarpan } from "./run-command.ts";

const at = useEmbedded();

const run = (line: string, stdin = "") =>
  tarpan(["user", ...line.split(" "), "--bootstrap", at.bootstrap], { stdin });

const users = () => new Admin(at.client).describeUserScramCredentials();

afterEach(async () => {
  const admin = new Admin(at.client);
  for (const { name, credentials } of await users()) {
    for (const { mechanism } of credentials) await admin.deleteUserScramCredential(name, mechanism);
  }
});

const sha512 = (iterations = 4_096) => ({ mechanism: "SCRAM-SHA-512", iterations });

test("users are created, listed and deleted", async () => {
  expect(await run("list")).toMatchObject({
    stderr: "no users yet; create one with: tarpan user create NAME\n",
  });
  expect(await run("create alice --password-stdin", "a-secret\n")).toMatchObject({
    stdout: "created user alice (SCRAM-SHA-512, 4,096 iterations)\n",
    stderr: "",
  });
  const other = "create bob --mechanism SCRAM-SHA-256 --iterations 8192 --password-stdin -o json";
  const credentials = [{ mechanism: "SCRAM-SHA-256", iterations: 8192 }];
  expect(JSON.parse((await run(other, "b-secret")).stdout)).toEqual([{ name: "bob", credentials }]);
  expect((await run("list")).stdout).toMatch(
    /^user +mechanism +iterations\nalice +SCRAM-SHA-512 +4096\nbob +SCRAM-SHA-256 +8192\n$/,
  );
  expect((await run("delete alice bob")).stdout).toBe("deleted user alice\ndeleted user bob\n");
  expect(await users()).toEqual([]);
});

test("a user is not created twice: its password is changed", async () => {
  await run("create alice --password-stdin", "first");
  expect(await run("create alice --password-stdin", "second")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("change the password with: tarpan user password alice"),
  });
  expect((await run("password alice --password-stdin --iterations 5000", "second")).stdout).toBe(
    "changed the password of user alice (SCRAM-SHA-512, 5,000 iterations)\n",
  );
  // Kept, since none are given.
  expect((await run("password alice --password-stdin", "third")).code).toBe(0);
  expect(await users()).toEqual([{ name: "alice", credentials: [sha512(5_000)] }]);
  await run("password alice --mechanism SCRAM-SHA-256 --password-stdin", "third");
  expect((await users())[0]?.credentials).toHaveLength(2);
  expect((await run("password alice --password-stdin", "fourth")).stdout).toContain("; SCRAM");
  await run("delete alice");
  expect(await users()).toEqual([]);
});

describe("is refused", () => {
  test.each([
    ["password alcie --password-stdin", "there is no user alcie; did you mean alice?"],
    ["delete zoe", "there is no user zoe; list the users with: tarpan user list"],
    ["create bob", "there is no terminal to ask for the password: add --password-stdin"],
    ["create --password-stdin", "--user is missing"],
    ["create bob --password-stdin --iterations 100", "--iterations must be a whole number, 4096"],
    ["create bob --password-stdin --mechanism SCRAM-SHA-521", "did you mean SCRAM-SHA-512?"],
  ])("%s", async (line, message) => {
    await run("create alice --password-stdin", "a-secret");
    const { code, stderr } = await run(line, "x");
    expect(code).not.toBe(0);
    expect(stderr).toContain(message);
    expect(await users()).toHaveLength(1);
  });

  test.each([
    ["", "has no password"],
    ["\n", "has no password"],
    ["one\ntwo\n", "more than one line"],
    ["\ufffd\ufffda", "is not a text in UTF-8"],
  ])("a password of standard input %j", async (stdin, message) => {
    expect((await run("create bob --password-stdin", stdin)).stderr).toContain(message);
    expect(await users()).toEqual([]);
  });
});

describe("on a terminal", () => {
  const program = fileURLToPath(new URL("../bin/tarpan.js", import.meta.url));

  /** Runs the command on a terminal, and types an answer at each question. */
  async function type(answers: readonly string[]): Promise<{ code: unknown; shown: string }> {
    const line = `${process.execPath} ${program} user create alice -b ${at.bootstrap}`;
    const child = spawn("script", ["-qec", line, "/dev/null"]);
    let shown = "";
    let asked = 0;
    child.stdout.on("data", (chunk: Buffer) => {
      shown += chunk.toString();
      const questions = shown.match(/New password of alice|The same password again/g) ?? [];
      if (new Set(questions).size > asked) child.stdin.write(`${answers[asked++]}\r`);
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    return { code, shown };
  }

  test("the password is asked for twice, and not shown", async (context) => {
    if (spawnSync("script", ["--version"]).error) context.skip("there is no script here");
    const differ = await type(["a-secret", "another"]);
    expect(differ.code).toBe(1);
    expect(differ.shown).toContain("the two passwords differ");
    const cancelled = await type(["\x03"]);
    expect([cancelled.code, cancelled.shown]).toEqual([1, expect.stringContaining("nothing was")]);
    const { code, shown } = await type(["a-secret", "a-secret"]);
    expect([code, shown]).toEqual([0, expect.stringContaining("created user alice")]);
    for (const text of [differ.shown, shown]) expect(text).not.toMatch(/secret|another|\*/);
    expect(await users()).toEqual([{ name: "alice", credentials: [sha512()] }]);
  });
});
