// `-o json`, which every command has that prints what it finds or does.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Broker } from "@tarpan/broker";
import { Client, DelayedProducer, Producer, TransactionalProducer } from "@tarpan/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { COMMANDS } from "../src/program/commands.ts";
import { createProgram } from "../src/program/program.ts";
import { tarpan } from "./run-command.ts";

/** The address of a server that answers as a broker of a cluster. */
const CLUSTERED = "CLUSTERED";

/**
 * Command lines in an order in which they work, each with a part of the JSON that it prints.
 */
const PRINTS: readonly (readonly [line: string, json: unknown])[] = [
  ["topic create t u", [{ name: "t", partitions: 1, replicas: 1 }, { name: "u" }]],
  ["topic list", [{ name: "t", partitions: [{ partition: 0, leader: 1 }] }, { name: "u" }]],
  ["topic alter t --config retention.ms=5000000", [{ configs: { "retention.ms": "5000000" } }]],
  ["topic describe t", [{ configs: [{ name: "retention.ms" }], partitions: [{ end: 0 }] }]],
  ["topic delete u", [{ name: "u", deleted: true }]],
  ["produce t -m v", [{ topic: "t", partition: 0, first: 0, last: 0, count: 1 }]],
  ["produce t -m v --acks 0", [{ first: null, last: null, count: 1 }]],
  ["consume t -c 1", { topic: "t", partition: 0, offset: 0, value: "v" }],
  ["consume t -c 1 --group g", { offset: 0, value: "v" }],
  ["group list", [{ groupId: "g" }]],
  ["group describe g", [{ groupId: "g", members: [] }]],
  ["group lag g", [{ groupId: "g", topic: "t", committed: 1 }]],
  ["group reset-offsets g --to-latest --topic t", [{ topic: "t", committed: 1 }]],
  ["group delete g", [{ groupId: "g", deleted: true }]],
  ["user create a --password-stdin", [{ name: "a", credentials: [{ iterations: 4096 }] }]],
  ["user password a --password-stdin", [{ credentials: [{ mechanism: "SCRAM-SHA-512" }] }]],
  ["user list", [{ name: "a", credentials: [{ mechanism: "SCRAM-SHA-512" }] }]],
  ["user delete a", [{ name: "a", deleted: true }]],
  ["acl add -t t --allow-principal User:a --operation read", [{ operation: "read" }]],
  ["acl list", [{ resourceType: "topic", resourceName: "t", principal: "User:a" }]],
  ["acl remove -t t", [{ permission: "allow" }]],
  ["transactions list", [{ transactionalId: "tx", state: "Ongoing" }]],
  ["transactions describe tx", [{ partitions: [{ topic: "t", partition: 0 }] }]],
  ["transactions describe-producers --topic t --partition 0", [{}, { producerEpoch: 0 }]],
  ["transactions find-hanging", []],
  ["transactions abort --topic t --partition 0 --start-offset 2", [{ aborted: true }]],
  ["delayed list", [{ id: ".", topic: "t" }, { id: ".." }]],
  ["delayed deliver ..", [{ id: "..", due: true }]],
  ["delayed cancel .", [{ id: ".", cancelled: true }]],
  ["half list", [{ group: "orders", id: ".", topic: "t", state: "waiting" }]],
  ["half resolve --group orders --resolution rollback .", [{ id: "." }]],
  ["dlq list", []],
  ["dlq show failed --limit 1", [{ topic: "failed", offset: 0, value: "v", origin: null }]],
  ["dlq stats failed", [{ topic: "failed", letters: 1, byReason: { odd: 1 } }]],
  ["dlq redrive failed.dlq --all --to t", [{ redriven: 1, skipped: 0 }]],
  ["dlq purge failed.dlq --yes", [{ topic: "failed.dlq" }]],
  ["topic delete failed failed.dlq", [{ deleted: true }, { deleted: true }]],
  ["cluster status", { nodeId: 1, brokers: [{ nodeId: 1 }] }],
  [`cluster remove --node-id 4 -b ${CLUSTERED}`, { nodeId: 4, removed: true }],
  [
    "config show --bind-port 9093",
    expect.arrayContaining([{ name: "bind_port", value: "9093", origin: "--bind-port" }]),
  ],
  ["config check package.json", { path: "package.json", problems: expect.any(Array) }],
  ["client -cmd=list-topics", [{ name: "t" }]],
];

/** Commands without results. */
const NO_RESULTS: readonly string[] = [
  ...["broker", "cluster up"],
  ...["certificate create", "completion bash", "completion zsh", "completion fish"],
];

let broker: Broker;
let clustered: Server;
let client: Client;
const open: { close(): unknown }[] = [];

beforeAll(async () => {
  const acls = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",
  };
  broker = await Broker.start({ configs: { "group.initial.rebalance.delay.ms": 0, ...acls } });
  client = new Client({ bootstrap: broker.bootstrap, timeoutMs: 10_000 });
  clustered = createServer((_, response) => response.end('{"done":true,"partitionsLeft":0}'));
  await new Promise<void>((resolve) => clustered.listen(0, "127.0.0.1", resolve));
});

afterAll(async () => {
  for (const each of open) await each.close();
  await client.close();
  clustered.close();
  await broker.stop();
});

/** What some command lines find. */
const BEFORE: Readonly<Record<string, () => Promise<unknown>>> = {
  "transactions list": async () => {
    const producer = new TransactionalProducer(client, { transactionalId: "tx" });
    open.push(producer);
    await producer.begin();
    await producer.send({ topic: "t", value: "open" });
  },
  "half list": async () => {
    const producer = new Producer(client);
    const headers = [
      { key: "tarpan-producer-group", value: "orders" },
      { key: "tarpan-topic", value: "t" },
    ];
    await producer.send({ topic: "__half_messages", key: ".", value: "v", headers });
    await producer.close();
  },
  "dlq show failed --limit 1": async () => {
    const producer = new Producer(client);
    const headers = [{ key: "tarpan-reason", value: "odd" }];
    for (const topic of ["failed", "failed.dlq"])
      await producer.send({ topic, value: "v", headers });
    await producer.close();
  },
  "delayed list": async () => {
    const producer = new DelayedProducer(client);
    open.push(producer);
    for (const id of [".", ".."])
      await producer.send({ topic: "t", value: "later" }, { delayMs: 3_600_000, id });
  },
};

test.each(PRINTS)("%s", async (line, json) => {
  await BEFORE[line]?.();
  const { port } = clustered.address() as AddressInfo;
  const words = line.split(" ").map((word) => (word === CLUSTERED ? `127.0.0.1:${port}` : word));
  const hasOwn = line.startsWith("config") || line.includes(CLUSTERED);
  const at = hasOwn ? [] : [`--broker=${broker.bootstrap}`];
  const stdin = line.endsWith("--password-stdin") ? "a-secret" : "";
  const { stdout, stderr } = await tarpan([...words, ...at, "-o", "json"], { stdin });
  expect(JSON.parse(stdout), stderr).toMatchObject(json as object);
});

test("every command with results is in this table", async () => {
  const all: string[] = [];
  for (const { name, load } of COMMANDS) {
    const { run } = await load(async (io) => createProgram(io));
    const actions = typeof run === "function" ? [""] : Object.keys(run);
    all.push(...actions.map((action) => `${name} ${action}`.trim()));
  }
  const tested = [...PRINTS.map(([line]) => `${line} `), ...NO_RESULTS.map((line) => `${line} `)];
  expect(all.filter((name) => !tested.some((line) => line.startsWith(`${name} `)))).toEqual([]);
});

test("--json is the same, an unknown format is refused, what failed is not printed", async () => {
  const at = ["--bootstrap", broker.bootstrap];
  const listed = await tarpan(["topic", "list", ...at, "--json"]);
  expect(listed).toEqual(await tarpan(["topic", "list", ...at, "-o", "json"]));
  const text = await tarpan(["topic", "list", ...at, "-o", "text"]);
  expect(text.stdout).toBe("t  1 partition  replicas: 1\n");
  expect(await tarpan(["topic", "list", ...at, "-o", "jsno"])).toMatchObject({
    ...{ code: 2, stdout: "" },
    stderr: expect.stringContaining('--output must be text | json, not "jsno"; did you mean json?'),
  });
  const failed = await tarpan(["topic", "describe", "none", ...at, "--json"]);
  expect(failed).toMatchObject({ code: 1, stdout: "" });
  const half = await tarpan(["topic", "delete", "t", "none", ...at, "--json"]);
  expect(half).toMatchObject({ code: 1, stderr: expect.stringContaining("no topic 'none'") });
  expect(JSON.parse(half.stdout)).toEqual([{ name: "t", deleted: true }]);
});
