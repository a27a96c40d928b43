// `tarpan cluster up`: which processes it starts, what it prints, and that they end with it. The
// brokers are stand-ins: test/cluster tests real ones.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { RunningCommand, tarpan } from "./run-command.ts";

const directory = mkdtempSync(join(tmpdir(), "tarpan-cluster-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const env = {
  ...(process.env as Record<string, string>),
  TARPAN_PROGRAM: path("./stand-in-broker.mjs"),
};
const free = ["--bind-port", "0", "--raft-port", "0", "--data-dir", directory];
const READY = /brokers are ready: (\S+) /;

function up(...argv: string[]): RunningCommand {
  return new RunningCommand(["cluster", "up", ...free, ...argv], { env });
}

test("starts a process per broker, prints one summary, and stops all on SIGTERM", async () => {
  const command = up("--brokers", "3", "--", "--log-level", "debug");
  const [, bootstrap] = await command.printed(READY);
  command.signal("SIGTERM");
  const { code, stdout, stderr } = await command.done;
  expect(code).toBe(0);
  const addresses = bootstrap!.split(",");
  expect(new Set(addresses).size).toBe(3);
  expect(stdout).toContain(`all 3 brokers are ready: ${bootstrap} (data in ${directory})\n`);
  expect(stdout).toContain(`tarpan cluster status --bootstrap ${addresses[0]}\n`);
  // The ready lines of each broker are not repeated.
  expect(stdout).not.toContain("stand-in");
  expect(stderr).toContain("waiting for brokers: 2 of 3 ready\n");
  const peers = /--cluster-peers (\S+) /.exec(stderr)![1]!;
  expect(peers.split(",")).toHaveLength(3);
  const certificates = join(directory, "certificates");
  expect(statSync(join(certificates, "broker-1.key")).mode & 0o077).toBe(0);
  for (const [i, address] of addresses.entries()) {
    const flags =
      `broker --node-id ${i + 1} --bind-addr 127.0.0.1 --bind-port ${address.split(":")[1]} ` +
      `--raft-addr ${peers.split(",")[i]} --data-dir ${join(directory, `broker-${i + 1}`)} ` +
      `--cluster-peers ${peers} --cluster-tls-cert-file ${certificates}/broker-${i + 1}.crt ` +
      `--cluster-tls-key-file ${certificates}/broker-${i + 1}.key ` +
      `--cluster-tls-ca-file ${certificates}/ca.crt --log-level debug --stop-with-stdin`;
    expect(stderr).toContain(
      `broker-${i + 1} | 00:00:00.000 INFO  started with  flags=${JSON.stringify(flags)}`,
    );
    expect(stderr).toContain(`broker-${i + 1} | 00:00:00.000 INFO  ends by SIGTERM\n`);
    expect(stderr).toContain(`broker ${i + 1} has stopped\n`);
  }
});

test("names a broker that dies, with the command that starts it again", async () => {
  const command = up();
  await command.printed(READY);
  const pids = await command.logged(/pid=\d+[\s\S]*pid=\d+[\s\S]*pid=\d+/);
  const [, victim] = /broker-2 \|[^\n]*pid=(\d+)/.exec(pids.input)!;
  process.kill(Number(victim), "SIGKILL");
  const [, again] = await command.logged(
    /broker 2 has ended \(SIGKILL\); the others go on\. To start it again:\n {2}(.*)\n/,
  );
  expect(again).toMatch(/^npx tarpan broker --node-id 2 .* --cluster-tls-ca-file \S+$/);
  command.signal("SIGINT");
  const { code, stderr } = await command.done;
  expect(code).toBe(0);
  expect(stderr).toContain("broker 1 has stopped\n");
  expect(stderr).toContain("broker 3 has stopped\n");
});

test("a broker that fails at its start does not stop the others", async () => {
  const command = up("--", "--fail-node", "1");
  await command.printed(/^2 of 3 brokers are ready: \S+,\S+ /);
  await command.logged(/broker 1 has ended \(exit code 1\); the others go on\./);
  command.signal("SIGINT");
  const { code, stderr } = await command.done;
  expect(code).toBe(0);
  expect(stderr).toContain("broker-1 | tarpan: it fails\n");
});

test("after kill -9 of cluster up, all its brokers end", async () => {
  const program = path("../bin/tarpan.js");
  const parent = spawn(process.execPath, [program, "cluster", "up", ...free], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const text = await untilPrinted(parent, READY);
  // One connection to each broker: it closes when that process ends.
  const sockets = READY.exec(text)![1]!
    .split(",")
    .map((address) => connect(Number(address.split(":")[1]), "127.0.0.1"));
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  // A reset counts, too: `close` follows the error.
  const ended = sockets.map((socket) => {
    return new Promise((resolve) =>
      socket
        .on("error", () => {})
        .resume()
        .once("close", resolve),
    );
  });
  parent.kill("SIGKILL");
  await Promise.all(ended);
});

/** Resolves to its output once the pattern is found; rejects with the output if it ends first. */
function untilPrinted(
  child: ChildProcessByStdio<null, Readable, Readable>,
  pattern: RegExp,
): Promise<string> {
  let printed = "";
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  return new Promise((resolve, reject) => {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
      if (pattern.test(printed)) resolve(printed);
    });
    child.once("close", (code) => reject(new Error(`it ended with ${code}: ${said}${printed}`)));
  });
}

describe("is refused in one line", () => {
  test("when ports are taken", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const argv = ["cluster", "up", "--raft-port", "0", "--bind-port", String(port)];
    expect(await tarpan(argv, { env })).toEqual({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(
        new RegExp(`^tarpan: ports? [^\n]*\\b${port}\\b.* in use: stop what .* --bind-port\n$`),
      ),
    });
    server.close();
  });

  test.each([
    ["without a nats-server", [], /can't run \/nowhere\/nats-server .*: install nats-server/],
    ["with a flag that no broker has", ["--", "--flsh", "never"], /--flsh.*--flush/],
  ])("%s", async (_name, argv, message) => {
    const real = { TARPAN_NATS_SERVER: "/nowhere/nats-server" };
    const { stdout, stderr } = await tarpan(["cluster", "up", ...free, ...argv], { env: real });
    expect(stdout).toBe("");
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^tarpan: [^\n]+\n$/);
  });

  test.each([
    ["too few", ["--brokers", "2"], "--brokers must be a whole number, 3 to 9"],
    [
      "overlapping port ranges",
      ["--bind-port", "7000"],
      "--bind-port and --raft-port both reach 7001",
    ],
    ["a bare word", ["now"], 'cluster up takes no "now"'],
    ["a node id", ["--node-id", "1"], "cluster up takes no --node-id"],
    [
      "too few ports above the first",
      ["--bind-port", "65534"],
      "there are no 3 ports from 65534 on",
    ],
  ])("%s", async (_name, argv, message) => {
    const { code, stdout, stderr } = await tarpan(["cluster", "up", ...argv], { env });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^tarpan: [^\n]+\n$/);
  });
});
