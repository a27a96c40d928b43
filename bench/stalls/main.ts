// Measures what others feel on every broker while one client makes big changes of the metadata:
// `npx tsc -b bench && node dist/bench/stalls/main.js [--brokers 3] [--only acls]`; the others
// are users, topics and snapshots.
// The load shares the processors with the brokers: "alone" shows what that alone costs.

import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Connection } from "../connection.ts";
import { controllerPort, partitionLeaders } from "../load/partition-leaders.ts";
import type { ClusterNode } from "../targets/cluster.ts";
import type { ServerProcess } from "../targets/process.ts";
import { connected, createTopic } from "../targets/target.ts";
import { tarpan } from "../targets/tarpan.ts";
import { acls, type Phase, snapshots, topics, users } from "./changes.ts";
import { type LaneResult, Watch } from "./watching.ts";

const TOPIC = "bench-000";
const ALONE_MS = 5_000;
const AFTERWARDS_MS = 500;
const CONFIGS = {
  "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
  "super.users": "User:ANONYMOUS",
};

const { values: options } = parseArgs({
  options: {
    brokers: { type: "string", default: "1" },
    only: { type: "string", multiple: true },
    topics: { type: "string", default: "1000" },
    audit: { type: "boolean", default: false },
  },
});
const count = Number(options.brokers);
const results = fileURLToPath(new URL("../../../bench-results", import.meta.url));
await mkdir(results, { recursive: true });
const directory = await mkdtemp(join(results, "stalls-"));
const turnsFile = join(directory, "turns");
// Only brokers get what is loaded before: the bench's own processes have no such variable yet.
process.env.TARPAN_BENCH_TURNS = turnsFile;
const preload = fileURLToPath(new URL("./turns.js", import.meta.url));
process.env.NODE_OPTIONS = `--import=${preload}`;
let servers: readonly ServerProcess[] = [];
let nodes: readonly ClusterNode[] = [];
try {
  const kafka = options.audit ? { ...CONFIGS } : CONFIGS;
  if (options.audit) process.env.TARPAN_AUDIT_LOG = join(directory, "audit.log");
  if (count === 1) servers = [await tarpan.start(directory, "always", kafka)];
  else {
    for (const [name, value] of Object.entries(kafka)) {
      process.env[`TARPAN_KAFKA_${name.toUpperCase().replaceAll(".", "_")}`] = value;
    }
    nodes = await tarpan.startCluster(directory, "always", count);
    servers = nodes.map(({ server }) => server);
  }
  await measure(servers.map(({ port }) => port));
} catch (error) {
  console.error(servers.map(({ output }) => output).join("\n"));
  throw error;
} finally {
  for (const node of nodes) await node.kill();
  if (nodes.length === 0) for (const server of servers) await server.stop();
  await rm(directory, { recursive: true, force: true });
}
process.exit(0);

async function measure(ports: readonly number[]): Promise<void> {
  for (const server of servers) (await connected(server)).close();
  const at = count === 1 ? ports[0]! : await controllerPort(ports[0]!, count);
  delete process.env.NODE_OPTIONS;
  const connection = await Connection.open(at);
  await createTopic(connection, TOPIC, 1, count);
  const [leader] = await partitionLeaders(at, TOPIC, 1);
  const role = (port: number) => (port === at ? "controller" : "another");
  const watch = new Watch([
    { name: `produce (${role(leader!.port)})`, port: leader!.port, topic: TOPIC },
    ...ports.map((port) => ({ name: `versions (${role(port)})`, port, topic: null })),
  ]);
  await sleep(2_000);
  await watch.phase("warm-up");
  await sleep(ALONE_MS);
  show("alone", ALONE_MS, await watch.phase("alone"));
  for (const { name, run } of chosen()) {
    const startedMs = performance.now();
    await run(connection);
    const tookMs = performance.now() - startedMs;
    await sleep(AFTERWARDS_MS);
    show(name, tookMs, await watch.phase(name));
    console.log(await longestTurns(Date.now() - tookMs - AFTERWARDS_MS));
  }
  watch.close();
  connection.close();
}

function chosen(): readonly Phase[] {
  const all = { acls, users, topics: topics(Number(options.topics), count), snapshots };
  const names = options.only ?? Object.keys(all);
  return names.flatMap((name) => all[name as keyof typeof all]);
}

/** The longest turns of each broker since then, longest first; see turns.ts. */
async function longestTurns(sinceMs: number): Promise<string> {
  const byBroker = new Map<string, number[]>();
  for (const line of (await readFile(turnsFile, "utf8")).split("\n")) {
    const [broker = "", atMs, longestMs] = line.split(" ");
    if (Number(atMs) < sinceMs || broker === "") continue;
    byBroker.set(broker, [...(byBroker.get(broker) ?? []), Number(longestMs)]);
  }
  const texts = [...byBroker.values()].map((all) => {
    const sorted = all.sort((a, b) => b - a);
    return `${sorted.slice(0, 3).join(", ")} (median ${sorted[sorted.length >> 1]})`;
  });
  return `  longest turns of each 0.2 s, CPU ms: ${texts.join("; ")}`;
}

function show(name: string, tookMs: number, lanes: readonly LaneResult[]): void {
  console.log(`\n${name}: ${(tookMs / 1000).toFixed(2)} s`);
  for (const { lane, p50Ms, p99Ms, maxMs } of lanes) {
    const numbers = [p50Ms, p99Ms, maxMs].map((one) => one.toFixed(1).padStart(8)).join("");
    console.log(`  ${lane.padEnd(24)}${numbers}`);
  }
}
