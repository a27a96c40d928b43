// `tarpan cluster status` and `remove`: against a broker of today, and against what one of a
// cluster answers, word for word.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Broker } from "@tarpan/broker";
import { afterEach, expect, test } from "vitest";
import { tarpan } from "./run-command.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

type Answer = [status: number, body: unknown];

/** A server that answers each request with `answer(index)`, and records the requests. */
async function serving(answer: (index: number) => Answer) {
  const asked: string[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const [status, body] = answer(asked.push(`${request.method} ${request.url}`) - 1);
    response.writeHead(status, { "content-type": "application/json" });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return { asked, address: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const STATUS = {
  clusterId: "AbCdEfGhIjKlMnOpQrStUv",
  nodeId: 2,
  controllerId: 1,
  brokers: [
    { nodeId: 3, host: "127.0.0.1", port: 9094, rack: "c", fenced: true, metadataLevel: null },
    { nodeId: 1, host: "127.0.0.1", port: 9092, rack: null, fenced: false, metadataLevel: 4 },
    { nodeId: 2, host: "127.0.0.1", port: 9093, rack: "b", fenced: false, metadataLevel: 3 },
  ],
  metadataLevel: 1,
  metadataLevelSupported: 1,
  engine: {
    kind: "jetstream",
    version: "2.14.10",
    syncInterval: "always",
    maxPayloadBytes: 8388608,
    replicasMax: 3,
    problems: ["one thing to do"],
  },
  reasons: ["orders-1: no leader"],
  uncleanablePartitions: [{ topic: "orders", partition: 0, reason: "batch 7 is damaged" }],
  partitions: [
    row("orders", 1, { leader: -1, replicas: [1, 3], isr: [3], raftLeader: null, lag: {} }),
    row("orders", 0, { raftLeader: 2, isr: [1, 2], lag: { 1: 0, 2: 0, 3: 17 } }),
    row("__consumer_offsets", 0, {}),
    row("__consumer_offsets", 1, { leader: 2, isr: [1, 2] }),
  ],
};

function row(topic: string, partition: number, different: object) {
  const replicas = {
    replicas: [1, 2, 3],
    isr: [1, 2, 3],
    raftLeader: 1,
    lag: { 1: 0, 2: 0, 3: 0 },
  };
  return { topic, partition, leader: 1, leaderEpoch: 4, ...replicas, ...different };
}

test("shows brokers, engine, and partitions, with - for unknown values", async () => {
  const { address, asked } = await serving(() => [200, STATUS]);
  const { code, stdout, stderr } = await tarpan(["cluster", "status", "-b", address]);
  expect({ code, stderr, asked }).toEqual({
    code: 0,
    stderr: "",
    asked: ["GET /cluster/status?partitions=true"],
  });
  expect(stdout).toBe(`cluster AbCdEfGhIjKlMnOpQrStUv, seen by broker 2
engine jetstream, nats-server 2.14.10, sync_interval always, max_payload 8388608, up to 3 replicas
metadata level 1, all brokers read up to 1

problem: one thing to do
problem: orders-1: no leader
problem: orders-0 can't be compacted: batch 7 is damaged

broker  address         rack  state   metadata level  role
1       127.0.0.1:9092  -     alive   4               controller
2       127.0.0.1:9093  b     alive   3
3       127.0.0.1:9094  c     fenced  -

topic               partition  leader  raft leader  replicas  isr  lag
__consumer_offsets  1          2       1            1,2,3     1,2  0
orders              0          1       2            1,2,3     1,2  17
orders              1          -       -            1,3       3    -

and 1 partition of internal topics (--internal shows them)
`);
  const all = await tarpan(["cluster", "status", "-b", address, "--internal"]);
  expect(all.stdout).toContain("__consumer_offsets  0 ");
  expect(all.stdout).not.toContain("--internal");
  const json = await tarpan(["cluster", "status", "-b", address, "--json"]);
  expect(JSON.parse(json.stdout)).toEqual(STATUS);
});

test("names who holds up readers of committed records, and what to do if it hangs", async () => {
  const held = (partition: number, openMs: number, different: object) => ({
    ...{ topic: "orders", partition, producerId: 7, producerEpoch: 2, transactionalId: "tx-1" },
    ...{ startOffset: 4711, lag: 90, sinceMs: Date.UTC(2026, 10, 20, 10), openMs },
    ...{ isHanging: false, ...different },
  });
  const heldPartitions = [
    held(0, 60_000, {}),
    held(1, 960_000, { isHanging: true, transactionalId: null }),
    // As short as most are.
    held(2, 9_999, {}),
  ];
  const { address } = await serving(() => [200, { ...STATUS, heldPartitions }]);
  const { stdout } = await tarpan(["cluster", "status", "-b", address]);
  expect(stdout).toContain(
    "\nproblem: a transaction hangs in orders-1: if tarpan transactions find-hanging lists it, end " +
      "it with: tarpan transactions abort --topic orders --partition 1 --start-offset 4711\n",
  );
  expect(stdout).toContain(`
read_committed waits in  at offset  for producer  transactional id  at least since            lag
orders-1                 4711       7 epoch 2     -                 2026-11-20T10:00:00.000Z  90
orders-0                 4711       7 epoch 2     tx-1              2026-11-20T10:00:00.000Z  90
`);
  expect(stdout).not.toContain("orders-2 ");
});

test("shows a standalone broker", async () => {
  const broker = await Broker.start();
  closers.push(() => broker.stop());
  const at = ["-b", broker.bootstrap];
  expect((await tarpan(["topic", "create", ...at, "-t", "orders"])).code).toBe(0);
  const { code, stdout } = await tarpan(["cluster", "status", ...at]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^cluster \S+, seen by broker 1\nengine memory\n/);
  expect(stdout).toMatch(/\ntopic +partition +leader +end offset +problem\norders +0 +1 +0\n/);
  expect(stdout).toContain(`1       ${broker.bootstrap}`);
});

test("asks the next address if one can't be reached", async () => {
  const { address } = await serving(() => [200, STATUS]);
  const { code } = await tarpan(["cluster", "status", "-b", `127.0.0.1:2,${address}`]);
  expect(code).toBe(0);
});

test.each([
  ["no broker listens", null, /can't reach 127\.0\.0\.1:2: .*ECONNREFUSED.*tarpan broker\n/],
  ["another program answers", [200, "<html>"], /answered 200 without JSON/],
  [
    "the broker refuses",
    [404, { error: "there is no such path" }],
    /^tarpan: there is no such path\n/,
  ],
] as const)("when %s, the error is one line", async (_name, answer, message) => {
  const address = answer === null ? "127.0.0.1:2" : (await serving(() => [...answer])).address;
  const { code, stdout, stderr } = await tarpan(["cluster", "status", "-b", address]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/^[^\n]+\n$/);
});

test("remove asks until it is done, also while there is no controller", async () => {
  const answers: Answer[] = [
    [200, { partitionsLeft: 2, done: false }],
    [503, { error: "there is no controller" }],
    [200, { partitionsLeft: 1, done: false, message: null }],
    [200, { partitionsLeft: 0, done: false, message: "broker 4 holds nothing: stop it now" }],
    [200, { partitionsLeft: 0, done: true, message: null }],
  ];
  const { address, asked } = await serving((index) => answers[index]!);
  expect(await tarpan(["cluster", "remove", "--node-id", "4", "-b", address])).toEqual({
    code: 0,
    stdout: "broker 4 was removed from the cluster; stop it if it still runs\n",
    stderr:
      "broker 4: 2 partitions to be moved\nbroker 4: 1 partition to be moved\n" +
      "broker 4 holds nothing: stop it now\n",
  });
  expect(asked).toEqual(Array(5).fill("DELETE /api/v1/brokers/4"));
});

test("remove says why the broker can't be removed", async () => {
  const { address } = await serving(() => [409, { error: "3 brokers can't be fewer" }]);
  expect(await tarpan(["cluster", "remove", "--node-id", "4", "-b", address])).toEqual({
    code: 1,
    stdout: "",
    stderr: "tarpan: 3 brokers can't be fewer\n",
  });
  const { code, stderr } = await tarpan(["cluster", "remove", "-b", address]);
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: "tarpan: --node-id is missing; see: tarpan cluster --help\n",
  });
});

test("the brokers come from a variable, as for other commands", async () => {
  const { address } = await serving(() => [200, STATUS]);
  const env = { TARPAN_BROKERS: `127.0.0.1:1,${address}` };
  const { code, stdout } = await tarpan(["cluster", "status", "-o", "json"], { env });
  expect([code, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ nodeId: 2 })]);
});
