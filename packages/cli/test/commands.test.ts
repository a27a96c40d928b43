// Whole command lines against a real broker, in this process.
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Broker } from "@tarpan/broker";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CommandOptions, tarpan } from "./run-command.ts";

const directory = mkdtempSync(join(tmpdir(), "tarpan-cli-"));
let broker: Broker;

beforeAll(async () => {
  broker = await Broker.start();
});

afterAll(async () => {
  await broker.stop();
  rmSync(directory, { recursive: true, force: true });
});

const at = (argv: readonly string[], options?: CommandOptions) =>
  tarpan([...argv, "--bootstrap", broker.bootstrap], options);

const NOT_YET = "stored but has no effect yet: the broker manages its files in its own way\n";

const ok = (stdout: string) => ({ code: 0, stdout, stderr: "" });

describe("topic", () => {
  test("create, list, describe, alter, delete", async () => {
    expect(await at(["topic", "create", "--topic", "life", "--partitions", "2"])).toEqual(
      ok("created topic life with 2 partitions, replicas: 1\n"),
    );
    expect((await at(["topic", "list"])).stdout).toContain("life  2 partitions  replicas: 1");
    const altered = ["topic", "alter", "life", "--partitions=3", "--config", "preallocate=true"];
    expect(await at(altered)).toEqual({
      ...ok("altered topic life\n"),
      stderr: `preallocate is ${NOT_YET}`,
    });
    const { stdout } = await at(["topic", "describe", "life"]);
    expect(stdout).toMatch(/^topic life \(id [0-9a-f-]{36}\): 3 partitions, replicas: 1\n/);
    expect(stdout).toContain("  preallocate=true\n");
    expect(stdout).toMatch(/\n2 +1 +1 +1 +0 +0\n$/);
    await at(["topic", "alter", "life", "--delete-config", "retention.ms"]);
    expect((await at(["topic", "describe", "life"])).stdout).not.toContain("retention.ms");
    expect(await at(["topic", "delete", "life"])).toEqual(ok("deleted topic life\n"));
    expect(await at(["topic", "describe", "life"])).toEqual({
      code: 1,
      stdout: "",
      stderr: "tarpan: there is no topic life; create it with: tarpan topic create --topic NAME\n",
    });
  });

  test("takes several topics, named without --topic", async () => {
    expect((await at(["topic", "create", "m1", "m2", "m3"])).stdout.match(/created/g)).toHaveLength(
      3,
    );
    expect((await at(["topic", "describe", "m1", "m2"])).stdout).toMatch(/topic m1 .*topic m2 /s);
    expect(await at(["topic", "delete", "m1", "m2"])).toEqual(
      ok("deleted topic m1\ndeleted topic m2\n"),
    );
    expect((await at(["topic", "list"])).stdout).toMatch(/^m3 /m);
    await at(["topic", "delete", "--topic", "m3"]);
  });

  test("create warns only of configs that have no effect", async () => {
    const configs = ["--config", "preallocate=true", "--config", "max.message.bytes=5000"];
    expect(await at(["topic", "create", "told", ...configs])).toEqual({
      ...ok("created topic told with 1 partition, replicas: 1\n"),
      stderr: `preallocate is ${NOT_YET}`,
    });
    const acted = ["topic", "alter", "told", "--config", "max.message.bytes=6000"];
    expect(await at(acted)).toEqual(ok("altered topic told\n"));
  });

  test("a refusal by the broker is one line", async () => {
    const { code, stderr } = await at(["topic", "create", "x", "--config", "retention.ms=soon"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^tarpan: topic x: .*\(INVALID_CONFIG\)\n$/);
  });
});

describe("produce and consume", () => {
  test("a message, several times", async () => {
    const produce = ["produce", "--topic", "hello", "--partition", "0", "--message", "Hello"];
    expect(await at([...produce, "--count", "3"])).toEqual(
      ok("sent 3 records to hello-0 at offsets 0 to 2\n"),
    );
    expect(await at(["consume", "--topic", "hello", "-e"])).toEqual(ok("Hello\nHello\nHello\n"));
    const two = [
      "consume",
      "--topic",
      "hello",
      "--partition",
      "0",
      "--offset",
      "1",
      "--count",
      "1",
    ];
    expect(await at([...two, "-f", "%o %s\\n"])).toEqual(ok("1 Hello\n"));
  });

  test("lines with keys, in kcat's format", async () => {
    const stdin = ["k1:v1\nk2:", "v2\nno key\n"];
    const produce = ["produce", "-t", "keys", "-K", ":", "-z", "lz4", "-H", "h=1"];
    expect((await at(produce, { stdin })).code).toBe(0);
    expect((await at(["consume", "-t", "keys", "-e", "-f", "%k|%s|%K|%h\\n"])).stdout).toBe(
      "k1|v1|2|h=1\nk2|v2|2|h=1\n|no key|-1|h=1\n",
    );
  });

  test("a carriage return is part of its line, as for kcat", async () => {
    await at(["produce", "dos"], { stdin: "a\r\nb\n" });
    expect((await at(["consume", "dos", "-e", "-f", "%s|"])).stdout).toBe("a\r|b|");
  });

  test("-Z sends an empty value as null, a tombstone", async () => {
    await at(["produce", "grave", "-K", ":", "-Z"], { stdin: "gone:\nkept:v\n:v\n" });
    await at(["produce", "grave", "-K", ":"], { stdin: "empty:\n" });
    await at(["produce", "grave", "-k", "too", "-Z", "-m", ""]);
    expect((await at(["consume", "grave", "-e", "-f", "%K %k=%S\\n"])).stdout).toBe(
      "4 gone=-1\n4 kept=1\n-1 =1\n5 empty=0\n3 too=-1\n",
    );
  });

  test("whole files, one record each", async () => {
    const file = join(directory, "raw.bin");
    writeFileSync(file, Buffer.from([0x0a, 0xff, 0x0d, 0x0a]));
    const raw = ["produce", "files", "--format", "raw", file, "-"];
    expect((await at(raw, { stdin: ["x\n", "y"] })).stdout).toContain("sent 2 records");
    expect((await at(["produce", "files", "--format", "raw"], { stdin: "z\n" })).code).toBe(0);
    expect((await at(["consume", "files", "-e", "-f", "%S "])).stdout).toBe("4 3 2 ");
    truncateSync(file, 101 * 1024 * 1024);
    expect(await at(["produce", "files", "--format", "raw", file])).toEqual({
      ...{ code: 1, stdout: "" },
      stderr: expect.stringMatching(
        / has 105,906,\d+ bytes, and a request can carry .* split it, or/,
      ),
    });
    const missing = await at(["produce", "files", "--format", "raw", `${file}.not`]);
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining("can't read") });
  });

  test("produce reads the NDJSON that consume prints", async () => {
    await at(["produce", "-t", "from", "-K", "="], { stdin: "a=1\nb=2\n" });
    const printed = await at(["consume", "-t", "from", "-e", "--format", "ndjson"]);
    expect(
      printed.stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toMatchObject([
      { topic: "from", partition: 0, offset: 0, key: "a", value: "1", headers: [] },
      { offset: 1, key: "b", value: "2" },
    ]);
    const produce = ["produce", "-t", "to", "--format", "ndjson"];
    expect((await at(produce, { stdin: printed.stdout })).code).toBe(0);
    expect((await at(["consume", "-t", "to", "-e", "-f", "%k=%s\\n"])).stdout).toBe("a=1\nb=2\n");
  });

  test("NDJSON with CRLF, and a record without a value", async () => {
    const produce = ["produce", "-t", "crlf", "--format", "ndjson"];
    const stdin = '{"value":"1"}\r\n\r\n{"value":null}\r\n';
    expect((await at(produce, { stdin })).stdout).toContain("sent 2 records");
    expect((await at(produce, { stdin: '{"key":"k"}\n' })).stderr).toContain(
      "line 1: has no value",
    );
  });

  test("produce stops at a bad line, names it, and says what was stored", async () => {
    const stdin = '{"value":"1"}\n{"value":"2"\n{"value":"3"}\n';
    const { code, stdout, stderr } = await at(["produce", "-t", "bad", "--format", "ndjson"], {
      stdin,
    });
    expect(code).toBe(1);
    expect(stdout).toBe("sent 1 record to bad-0 at offset 0\n");
    expect(stderr).toMatch(/^tarpan: line 2: not JSON: .* \(1 record stored before\)\n$/);
  });

  test("the last N records, and the records from a time on", async () => {
    await at(["produce", "-t", "ends"], { stdin: "1\n2\n3\n4\n5\n" });
    expect((await at(["consume", "-t", "ends", "-e", "-o", "-2"])).stdout).toBe("4\n5\n");
    expect((await at(["consume", "-t", "ends", "-e", "-o", "@0"])).stdout).toBe("1\n2\n3\n4\n5\n");
    expect((await at(["consume", "-t", "ends", "-e", "-o", "2999-01-01"])).stdout).toBe("");
  });

  test("empty standard input sends nothing", async () => {
    expect(await at(["produce", "-t", "none"])).toEqual(ok("nothing to send\n"));
  });
});

describe("client", () => {
  const config = join(directory, "client.json");
  const log = join(directory, "logs", "client.log");
  const client = (...argv: string[]) => tarpan(["client", `-config=${config}`, ...argv]);

  beforeAll(() => {
    const command = { type: "produce", topic: "test-topic", partition: 0, offset: 0, count: 5 };
    const broker_addrs = [broker.bootstrap, "localhost:9093"];
    const file = { broker_addrs, timeout: "10s", log_file: log, command };
    writeFileSync(config, JSON.stringify({ ...file, command: { ...command, message: "Hello!" } }));
  });

  test("runs each command with one-dash flags", async () => {
    expect(
      await client("-cmd=create-topic", "-topic=my-topic", "-partitions=3", "-replicas=1"),
    ).toEqual(ok("created topic my-topic with 3 partitions, replicas: 1\n"));
    const hello = ["-topic=my-topic", "-partition=0", "-message=Hello World"];
    expect(await client("-cmd=produce", ...hello, "-count=10")).toEqual(
      ok("sent 10 records to my-topic-0 at offsets 0 to 9\n"),
    );
    const consumed = await client("-cmd=consume", "-topic=my-topic", "-partition=0", "-offset=0");
    expect(consumed.stdout.split("\n").slice(0, 2)).toEqual(["0@0 Hello World", "0@1 Hello World"]);
    // The file's count applies to consume, too.
    expect(consumed.stdout.split("\n")).toHaveLength(6);
    const some = ["-topic=my-topic", "-partition=0", "-offset=8", "-count=50"];
    expect(await client("-cmd=consume", ...some)).toEqual(ok("0@8 Hello World\n0@9 Hello World\n"));
    expect((await client("-cmd=list-topics")).stdout).toContain("my-topic");
    expect((await client("-cmd=describe-topic", "-topic=my-topic")).stdout).toContain(
      "3 partitions",
    );
    expect(await client("-cmd=delete-topic", "-topic=my-topic")).toEqual(
      ok("deleted topic my-topic\n"),
    );
  });

  test("takes the whole command from the file, and logs the outcome", async () => {
    expect((await client()).stdout).toBe("sent 5 records to test-topic-0 at offsets 0 to 4\n");
    const lines = readFileSync(log, "utf8").trim().split("\n");
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({
      command: "produce",
      topic: "test-topic",
      outcome: "done",
    });
  });

  test("flags override the file", async () => {
    const elsewhere = await client("-broker=127.0.0.1:1", "-cmd=list-topics");
    expect(elsewhere).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("127.0.0.1:1: connection refused; is the broker running?"),
    });
  });

  test("an unreachable broker is reported once, with what to do", async () => {
    const nowhere = await tarpan(["produce", "t", "-m", "x", "--bootstrap", "127.0.0.1:1"]);
    expect(nowhere.code).toBe(1);
    expect(nowhere.stderr.match(/is the broker running/g)).toHaveLength(1);
    const missing = await tarpan(["client", "-config", join(directory, "none.json")]);
    expect(missing.stderr).toMatch(/can't read .*none.json: no such file or directory\n$/);
  });

  test("an error names the key of the file that is wrong", async () => {
    const bad = join(directory, "bad.json");
    writeFileSync(bad, '{"broker_addr": []}');
    expect(await tarpan(["client", "-config", bad])).toMatchObject({
      code: 1,
      stderr: `tarpan: ${bad}: unknown key "broker_addr"; did you mean "broker_addrs"?\n`,
    });
  });
});

describe("usage", () => {
  test.each([
    [["--version"], /^tarpan 0\.1\.0\n$/],
    [[], /Usage: tarpan COMMAND/],
    [["help"], /consume +read records/],
    [["produce", "--help"], /--key-delimiter TEXT/],
    [["topic", "create", "-help"], /Commands:\n +create +create topics/],
    [["help", "broker"], /--bind-port PORT +port to listen on/],
  ])("%j", async (argv, printed) => {
    const { code, stdout } = await tarpan(argv);
    expect(code).toBe(0);
    expect(stdout).toMatch(printed);
    expect(stdout).toMatch(/\S\n$/);
  });

  test.each([
    [["topci"], 'unknown command "topci"; did you mean topic?; see: tarpan --help'],
    [["consume", "-t", "t", "--group", "g", "-p", "0"], "--partition does not go with --group"],
    [["consume", "-t", "t", "--group", "g", "-o", "7"], "--offset must be earliest | latest"],
    [["produce"], "--topic is missing; see: tarpan produce --help"],
    [["produce", "-t", "t", "--count", "3"], "--count needs --message"],
    [["produce", "-t", "t", "-z", "rar"], "--compression must be"],
    [["consume", "-t", "t", "-f", "%x"], "--format has %x"],
    [["topic"], "needs one of create, list"],
    [["topic", "-b=h:1", "frob", "--", "-x"], 'there is no "frob"; it is one of create, list'],
    [["topic", "frob"], 'there is no "frob"; it is one of create, list'],
    [["topic", "delet", "x"], 'there is no "delet"; did you mean delete?'],
    [["group", "rest-offsets"], 'there is no "rest-offsets"; did you mean reset-offsets?'],
    [["cluster", "stats"], 'there is no "stats"; did you mean status?'],
    [["topic", "toString"], 'there is no "toString"'],
    [["topic", "delete"], "--topic is missing"],
    [["topic", "delete", "-t", "a", "-t", "b"], "-t is given twice"],
    [["consume", "t", "--count", "1", "--count", "2"], "--count is given twice"],
    [["topic", "list", "orders"], 'unexpected argument "orders"'],
    [["topic", "alter", "a", "b", "--partitions", "2"], 'unexpected argument "b"'],
    [["topic", "list", "--partitions", "2"], "--partitions has no effect here"],
    [["topic", "delete", "a", "--config", "x=1"], "--config has no effect here"],
    [["group", "list", "g"], 'unexpected argument "g"'],
    [["group", "reset-offsets", "g", "h", "--to-latest", "--all-topics"], '"h"'],
    [
      ["produce", "--topic", "t", "Hello"],
      'argument "Hello"; a message is given with --message TEXT',
    ],
    [["produce", "t", "Hello"], 'argument "Hello"; a message is given with --message TEXT'],
    [["produce", "t", "--format", "ndjson", "-K", ":"], "--key-delimiter has no effect here"],
    [["consume", "-t", "t", "u"], 'unexpected argument "u"'],
    [["broker", "start"], 'unexpected argument "start"; the broker takes options only'],
    [["client", "produce"], "--cmd is missing"],
    [["client", "-cmd=list-topics", "all"], 'unexpected argument "all"'],
    [["cluster", "status", "all"], 'unexpected argument "all"'],
    [["cluster", "remove", "--node-id", "4", "5"], 'unexpected argument "5"'],
  ])("%j is exit code 2", async (argv, message) => {
    const { code, stdout, stderr } = await tarpan(argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
    expect(stderr.match(/\n/g)).toHaveLength(1);
  });
});
