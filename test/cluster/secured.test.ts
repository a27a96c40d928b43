import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { Admin, Client } from "@tarpan/client";
import { expect, onTestFinished } from "vitest";
import { tarpanProgram } from "../harness/broker-process.ts";
import { useCluster } from "../harness/cluster.ts";
import { clusterIt } from "../harness/cluster-engine.ts";
import type { ClusterNode } from "../harness/cluster-node.ts";
import { processesNaming } from "../harness/cluster-processes.ts";
import { printedSeed, SeededRandom } from "../harness/random.ts";
import { succeed } from "../harness/run.ts";
import { expectAgreement } from "./agreement.ts";
import { becomesSecure } from "./become-secure.ts";
import { isLong, limitMs } from "./chaos.ts";
import { Intruders } from "./intruders.ts";
import { RecordedRun } from "./load/recorded-run.ts";
import { MARK, SecuredCluster, secret } from "./secured-cluster.ts";
import { FAULTS, type Fault } from "./secured-faults.ts";
import { SecuredUsers } from "./secured-users.ts";

// A cluster with everything on. Its clients have ACLs; nodes fail and come back, users are taken
// away, keys and passwords change. Others try to get in all the time.

const secured = await SecuredCluster.make();
const random = new SeededRandom(printedSeed("secured"));
const cluster = useCluster(secured.options);

const users = new SecuredUsers(secured);
let hasUsers = false;

async function underLoad(topic: string, faults: readonly Fault[]): Promise<void> {
  if (!hasUsers) await users.make();
  hasUsers = true;
  const run = await RecordedRun.begin({
    ...{ bootstrap: secured.bootstrap, inside: cluster.bootstrap },
    ...{ topic, replicas: 3, restless: isLong, security: secured.as("load") },
  });
  const intruders = new Intruders(secured, cluster.nodes);
  onTestFinished(() => intruders.end());
  intruders.tryAll(topic);
  for (const fault of faults) {
    await fault({ cluster, secured, users, intruders, run, random });
    await run.progress();
    await intruders.refusedEverywhere();
    expect(intruders.got).toEqual([]);
  }
  const facts = await expectAgreement(cluster.nodes);
  expect(facts.filter((fact) => fact.includes("former"))).toEqual([]);
  expect(facts.filter((fact) => fact.includes("load")).length).toBeGreaterThan(4);
  await intruders.end();
  expect(intruders.got).toEqual([]);
  await run.finish();
}

for (const [what, faults] of FAULTS) {
  const topic = what.replaceAll(" ", "-");
  clusterIt(
    `keeps its promises, and others out, while ${what}`,
    () => underLoad(topic, faults),
    limitMs(faults.length + 1),
  );
}

clusterIt(
  "shows none of its secrets",
  async () => {
    const wrong = secured.as("load", secret("wrong"));
    const client = new Client({ bootstrap: secured.bootstrap, ...wrong, timeoutMs: 2000 });
    const refused = await new Admin(client).listTopics().catch((error: Error) => error.stack);
    await client.close();
    const shown: (readonly [where: string, text: string])[] = [["a refusal", String(refused)]];
    for (const node of cluster.nodes) shown.push(...(await shownBy(node)));
    const told = shown.map(([, text]) => text).join("\n");
    // What is looked for would be there if it was shown: these things are.
    const there = [
      "ssl.key.password",
      'timestamp_seconds{listener="raft_addr"}',
      "debug",
      '"event":"refusal"',
    ];
    expect(there.filter((text) => !told.includes(text))).toEqual([]);
    const secrets = [MARK, ...secured.keyLines];
    const leaks = shown.filter(([, text]) => secrets.some((one) => text.includes(one)));
    expect(leaks.map(([where]) => where)).toEqual([]);
  },
  60_000,
);

if (isLong)
  clusterIt(
    "an open cluster gets a password and TLS, and loses nothing",
    becomesSecure,
    limitMs(3),
  );

/** All that a broker and its nats-server let others see. */
async function shownBy(node: ClusterNode): Promise<[string, string][]> {
  const shown: [string, string][] = [];
  const add = (where: string, text: string) => shown.push([`${where} of ${node.nodeId}`, text]);
  for (const path of ["/metrics", "/cluster/status?partitions=true", "/ready", "/health"])
    add(path, await (await fetch(`http://${node.bootstrap}${path}`)).text());
  const config = secured.configOf(node.nodeId);
  const show = [tarpanProgram, "config", "show", "--origin", "--config", config];
  add("config show", await succeed(process.execPath, show));
  const resource = { type: "broker", name: String(node.nodeId) } as const;
  const configs = await users.asAdmin((admin) => admin.describeConfigs(resource));
  add("DescribeConfigs", JSON.stringify(configs));
  add("its output", node.broker.output);
  add("its log", readFileSync(secured.logOf(node.nodeId), "utf8"));
  add("its audit log", readFileSync(secured.auditOf(node.nodeId), "utf8"));
  const processes = processesNaming(node.dataDirectory);
  expect(processes.length).toBeGreaterThan(1);
  for (const { commandLine } of processes) add("a command line", commandLine);
  const nats = join(node.dataDirectory, "nats");
  for (const name of readdirSync(nats).filter((one) => /^(nats-server|peers|node-id)/.test(one))) {
    add(name, readFileSync(join(nats, name), "utf8"));
    if (name === "nats-server.conf") expect(statSync(join(nats, name)).mode & 0o077).toBe(0);
  }
  return shown;
}
