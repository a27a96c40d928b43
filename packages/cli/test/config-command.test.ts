import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { tarpan } from "./run-command.ts";

const directory = mkdtempSync(join(tmpdir(), "tarpan-config-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

test("config show prints what is in force, and by what it is set", async () => {
  const path = file(
    "broker.yaml",
    `node_id: broker-7
storage: memory
raft: { election_rtt: 10 }
performance:
  connection_idle_timeout: 5m
kafka:
  num.partitions: 3
`,
  );
  const argv = ["config", "show", "--config", path, "--bind-port", "9093"];
  const options = { env: { TARPAN_LOGGING_LEVEL: "debug", TARPAN_KAFKA_LOG_DIRS: "./here" } };
  const { code, stdout, stderr } = await tarpan([...argv, "--origin"], options);
  expect(code).toBe(0);
  expect(
    stdout.replaceAll(directory, ""),
  ).toBe(`auto_create_topics: true                   # default
bind_addr: "127.0.0.1"                     # default
bind_port: "9093"                          # --bind-port
flush: always                              # default
kafka.log.dirs: ./here                     # TARPAN_KAFKA_LOG_DIRS
kafka.num.partitions: 3                    # /broker.yaml:7
logging.level: debug                       # TARPAN_LOGGING_LEVEL
node_id: broker-7                          # /broker.yaml:1
performance.connection_idle_timeout: "5m"  # /broker.yaml:5
raft.election_rtt: 10                      # /broker.yaml:3
storage: memory                            # /broker.yaml:2
`);
  expect(stderr).toBe("no effect: raft.election_rtt: a single broker runs no Raft\n");

  // It is a file that says the same.
  const plain = await tarpan(argv, options);
  const again = file("again.yaml", plain.stdout);
  const copy = await tarpan(["config", "show", "--config", again]);
  expect(copy.stdout).toBe(plain.stdout);
});

test("config show hides passwords, and refuses what a broker would refuse", async () => {
  const url = "nats://tarpan:secret@10.0.0.1:4222,tarpan:secret@10.0.0.2:4222";
  const { stdout } = await tarpan(["config", "show"], { env: { TARPAN_ENGINE_URL: url } });
  expect(stdout).toContain('engine_url: "nats://***@10.0.0.1:4222,***@10.0.0.2:4222"\n');
  expect(stdout).toContain("storage: jetstream\n");
  expect(await tarpan(["config", "show", "--bind-port", "99999"])).toMatchObject({
    code: 1,
    stderr: 'tarpan: --bind-port: must be 0 to 65535, not "99999"\n',
  });
});

test("config check finds every wrong line of a file, and the nearest key", async () => {
  const path = file(
    "wrong.yaml",
    `bind_prt: 9092
flush: sometimes
kafka:
  num.partitons: 3
  message.max.bytes: many
  group.min.session.timeout.ms: 2000000
`,
  );
  const { code, stdout, stderr } = await tarpan(["config", "check", path]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr.replaceAll(directory, "").split("\n")).toEqual([
    '/wrong.yaml:1: unknown key "bind_prt"; did you mean "bind_port"?',
    '/wrong.yaml:2: flush: must be always | interval | never, not "sometimes"',
    "/wrong.yaml:4: kafka.num.partitons: unknown config num.partitons, did you mean num.partitions?",
    "/wrong.yaml:5: kafka.message.max.bytes: invalid value many for message.max.bytes: " +
      "must be a whole number",
    "/wrong.yaml:6: kafka.group.min.session.timeout.ms: group.min.session.timeout.ms (2000000) " +
      "is above group.max.session.timeout.ms (1800000)",
    "tarpan: /wrong.yaml: 5 problems: no broker starts with it",
    "",
  ]);
});

test("config check says that a file is good, and what would have no effect", async () => {
  const path = file("good.yaml", "raft: { election_rtt: 10 }\nkafka: { num.io.threads: 4 }\n");
  expect(await tarpan(["config", "check", path])).toEqual({
    code: 0,
    stdout: `${path}: good\n`,
    stderr:
      "no effect: raft.election_rtt: a single broker runs no Raft\n" +
      "no effect: num.io.threads: the broker uses one thread\n",
  });
  const syntax = file("syntax.yaml", "a: [1\n");
  expect((await tarpan(["config", "check", syntax])).stderr).toMatch(/syntax\.yaml:\d: .*\n/);
  const half = file("half.yaml", "discovery: { type: etcd }\n");
  expect((await tarpan(["config", "check", half])).stderr).toMatch(
    /^\S*half.yaml:1: discovery.type/,
  );
  expect((await tarpan(["config", "check", join(directory, "none")])).stderr).toMatch(
    /^tarpan: can't read .*none: .*no such file/i,
  );
  expect((await tarpan(["config", "check"])).code).toBe(2);
});
