// `tarpan broker`, in this process: its output, how it stops, and what it refuses.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { RunningCommand, tarpan } from "./run-command.ts";

const directory = mkdtempSync(join(tmpdir(), "tarpan-broker-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function started(argv: readonly string[], env: Record<string, string> = {}) {
  const command = new RunningCommand(["broker", ...argv], { env });
  const [, bootstrap] = await command.printed(/ is ready on (\S+) \(/);
  return { command, bootstrap: bootstrap! };
}

test("takes one-dash flags, stops on SIGTERM, and still has its records when it starts again", async () => {
  const dataDir = join(directory, "broker-1");
  const logDir = join(directory, "logs");
  const argv = ["-node-id=broker-1", "-bind-addr=127.0.0.1", "-bind-port=0"];
  argv.push(`-data-dir=${dataDir}`, `-log-dir=${logDir}`, "-discovery-type=memory");
  const first = await started(argv);
  // The log is written synchronously: the line is in the file as soon as the broker is ready.
  expect(readFileSync(join(logDir, "broker.log"), "utf8")).toMatch(
    /^\{"level":"info","time":"[^"]+Z",.*"message":"started"\}\n/m,
  );
  const at = ["-b", first.bootstrap, "-t", "kept"];
  expect((await tarpan(["produce", ...at, "-m", "still here"])).code).toBe(0);
  first.command.signal("SIGTERM");
  const { code, stdout, stderr } = await first.command.done;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain(`tarpan broker 1 is ready on ${first.bootstrap} (data in ${dataDir}, `);
  expect(stdout).toContain("segment engine, flush always)");
  expect(readFileSync(join(logDir, "broker.log"), "utf8")).toContain('"message":"stopped"');

  // Without --node-id, the broker takes the id that its directory keeps.
  const second = await started(["--bind-port=0", `--data-dir=${dataDir}`]);
  expect((await tarpan(["consume", "-b", second.bootstrap, "-t", "kept", "-e"])).stdout).toBe(
    "still here\n",
  );
  const other = await tarpan(["broker", "--bind-port=0", `--data-dir=${dataDir}`]);
  expect(other).toMatchObject({ code: 1, stdout: "" });
  expect(other.stderr).toMatch(/^tarpan: .*broker-1.*\n$/);
  second.command.signal("SIGINT");
  expect(await second.command.done).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("tarpan broker 1 is ready"),
  });
});

test.each([
  ["PLAINTEXT", [], ""],
  ["SASL_PLAINTEXT", ["--kafka=sasl.enabled.mechanisms=PLAIN"], "--sasl-mechanism PLAIN"],
  ["SSL", [], "--tls-ca"],
  ["SASL_SSL", ["--kafka=sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN"], "--tls-ca"],
])("tells commands to try that work with %s", async (protocol, configs, option) => {
  const here = mkdtempSync(join(directory, "try-"));
  const password = join(here, "password");
  writeFileSync(password, "a-secret\n");
  const certificates = ["--directory", here];
  await tarpan(["certificate", "create", "broker", "--hosts", "127.0.0.1", ...certificates]);
  const tls = ["type=PEM", `location=${join(here, "broker.pem")}`];
  const { command } = await started([
    ...["--storage=memory", `--kafka=listeners=${protocol}://127.0.0.1:0`, ...configs],
    ...(protocol.endsWith("SSL") ? tls.map((config) => `--kafka=ssl.keystore.${config}`) : []),
    ...["--initial-admin=admin", `--initial-admin-password-file=${password}`],
  ]);
  const [, first] = await command.printed(/^try: npx tarpan (.*)$/m);
  const [, second] = await command.printed(/^ {5}npx tarpan (.*?)( {5}or: .*)?$/m);
  expect(first).toContain(option);
  expect(await tarpan(first!.split(" "))).toMatchObject({ code: 0, stderr: "" });
  const read = await tarpan([...second!.split(" "), "--count", "1"]);
  expect(read).toMatchObject({ code: 0, stdout: "Hello\n" });
  command.signal("SIGTERM");
  await command.done;
});

test("reads a file and the environment, and warns of keys without effect", async () => {
  const file = join(directory, "broker.yaml");
  writeFileSync(file, "node_id: broker-7\nstorage: memory\nraft: { rtt_millisecond: 200 }\n");
  const { command } = await started(["-config", file], { TARPAN_BIND_PORT: "0" });
  command.signal("SIGINT");
  const { stdout, stderr } = await command.done;
  expect(stdout).toContain("tarpan broker 7 is ready");
  expect(stdout).toContain("memory engine: no data survives a stop");
  expect(stderr.match(/raft\.rtt_millisecond/g)).toHaveLength(1);
});

test("TARPAN_CONFIG names the file if --config does not", async () => {
  const file = join(directory, "named.yaml");
  writeFileSync(file, "node_id: broker-8\nstorage: memory\nbind_port: 0\n");
  const { command } = await started([], { TARPAN_CONFIG: file });
  command.signal("SIGINT");
  const { stdout, stderr } = await command.done;
  expect(stdout).toContain("broker 8 is ready");
  expect(stderr).not.toContain("TARPAN_CONFIG");
  const other = join(directory, "other.yaml");
  writeFileSync(other, "node_id: broker-9\nstorage: memory\nbind_port: 0\n");
  const flagged = await started(["--config", other], { TARPAN_CONFIG: file });
  flagged.command.signal("SIGINT");
  expect((await flagged.command.done).stdout).toContain("broker 9 is ready");
  const env = { TARPAN_CONFIG: "/nowhere.yaml" };
  expect((await tarpan(["broker"], { env })).stderr).toMatch(/^tarpan: can't read \/nowhere\.yaml/);
});

test("a node id without a number is shown beside the number that is made from it", async () => {
  const dataDir = ["--bind-port=0", `--data-dir=${join(directory, "named")}`];
  const { command } = await started([...dataDir, "--node-id=other"]);
  command.signal("SIGTERM");
  expect((await command.done).stdout).toContain("tarpan broker 1216187893 (other) is ready");
  const { stderr } = await tarpan(["broker", ...dataDir, "--node-id=another"]);
  expect(stderr).toMatch(/belongs to node 1216187893, not to node \d+ \(another\)\n$/);
});

test("consume exits with code 0 on SIGINT", async () => {
  const { command, bootstrap } = await started(["--storage=memory", "--bind-port=0"]);
  await tarpan(["produce", "-b", bootstrap, "-t", "t", "-m", "v"]);
  const consume = new RunningCommand(["consume", "-b", bootstrap, "-t", "t"]);
  await consume.printed(/v\n/);
  consume.signal("SIGINT");
  expect(await consume.done).toEqual({ code: 0, stdout: "v\n", stderr: "" });
  command.signal("SIGTERM");
  await command.done;
});

test("with --stop-with-stdin, a broker stops when its standard input ends", async () => {
  const { code, stdout } = await tarpan(
    ["broker", "--storage=memory", "--bind-port=0", "--stop-with-stdin"],
    { stdin: "" },
  );
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("is ready on") });
});

test("a port in use is refused", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  const argv = ["broker", "--storage=memory", `--bind-port=${port}`];
  const { code, stdout, stderr } = await tarpan(argv);
  server.close();
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(new RegExp(`^tarpan: .*${port}.*\\n$`));
});

test.each([
  ["an unwritable directory", ["--data-dir=/dev/null/x", "--bind-port=0"], /\/dev\/null\/x/],
  ["an unwritable log", ["--log-dir=/dev/null/x", "--storage=memory"], /can't log to/],
  ["a log below /proc", ["--log-dir=/proc/no/x", "--storage=memory"], /can't log to/],
  ["a missing file", ["--config=/nowhere.yaml"], /can't read \/nowhere\.yaml/],
  [
    "a cluster of nobody",
    ["--raft-addr=127.0.0.1:7001"],
    /--discovery-type etcd .*--cluster-peers/,
  ],
  [
    "a Kafka config",
    ["--kafka", "num.partitons=1"],
    /num\.partitons.*did you mean num\.partitions/,
  ],
  ["a bad value", ["--flush=often"], /--flush: must be always \| interval \| never/],
])("%s is one line and exit code 1", async (_name, argv, message) => {
  const { code, stdout, stderr } = await tarpan(["broker", ...argv]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/^tarpan: [^\n]+\n$/);
});

test("an unknown key in the file, with its line", async () => {
  const file = join(directory, "wrong.yaml");
  writeFileSync(file, "node_id: 1\nbind_prt: 9092\n");
  expect(await tarpan(["broker", "--config", file])).toEqual({
    code: 1,
    stdout: "",
    stderr: `tarpan: ${file}:2: unknown key "bind_prt"; did you mean "bind_port"?\n`,
  });
});
