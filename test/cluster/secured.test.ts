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
import { becomesSecure } from "./become-secure.ts";
import { isLong, limitMs, ROUNDS } from "./chaos.ts";
import { RecordedRun } from "./load/recorded-run.ts";
import { MARK, SecuredCluster } from "./secured-cluster.ts";

// A cluster with everything on. Its clients have ACLs; a node is killed and comes back.

const secured = await SecuredCluster.make();
const random = new SeededRandom(printedSeed("secured"));
const cluster = useCluster(secured.options);

async function asAdmin<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
  const client = new Client({ bootstrap: secured.bootstrap, ...secured.as("admin") });
  return work(new Admin(client)).finally(() => client.close());
}

async function letLoadIn(): Promise<void> {
  const acl = {
    resourceName: "*",
    patternType: "literal",
    principal: "User:load",
    host: "*",
    operation: "all",
    permission: "allow",
  } as const;
  await asAdmin((admin) =>
    admin.createAcls([
      { ...acl, resourceType: "topic" },
      { ...acl, resourceType: "group" },
      { ...acl, resourceType: "cluster", resourceName: "kafka-cluster" },
    ]),
  );
}

type Kill = (node: ClusterNode) => Promise<void>;

/** What dies, and how it comes back. */
const FAULTS: readonly (readonly [what: string, kill: Kill, heal: Kill])[] = [
  ["a broker and its nats-server", (node) => node.kill9("both"), (node) => node.start()],
  ["a nats-server", (node) => node.kill9("engine"), async () => {}],
];

clusterIt(
  "keeps its promises while nodes are killed",
  async () => {
    await letLoadIn();
    const run = await RecordedRun.begin({
      ...{ bootstrap: secured.bootstrap, inside: cluster.bootstrap },
      ...{ topic: "secured", replicas: 3, restless: isLong, security: secured.as("load") },
    });
    for (let round = 0; round < (isLong ? ROUNDS * 2 : 1); round++) {
      const [what, kill, heal] = FAULTS[round % FAULTS.length]!;
      const node = random.pick(cluster.nodes);
      console.log(`killed: ${what}, of node ${node.nodeId}`);
      let healed = false;
      const healOnce = async () => {
        if (!healed) await heal(node);
        healed = true;
        await cluster.settled();
      };
      onTestFinished(healOnce);
      await kill(node);
      await run.progress();
      await healOnce();
      await run.progress();
    }
    await run.finish();
  },
  limitMs(ROUNDS * 2),
);

clusterIt(
  "shows none of its secrets",
  async () => {
    const wrong = secured.as("load", `${MARK}-wrong`);
    const client = new Client({ bootstrap: secured.bootstrap, ...wrong, timeoutMs: 2000 });
    const refused = await new Admin(client).listTopics().catch((error: Error) => error.stack);
    await client.close();
    const shown: (readonly [where: string, text: string])[] = [["a refusal", String(refused)]];
    for (const node of cluster.nodes) shown.push(...(await shownBy(node)));
    const told = shown.map(([, text]) => text).join("\n");
    // What is looked for would be there if it was shown: these things are.
    const there = ["ssl.key.password", 'timestamp_seconds{listener="raft_addr"}', "debug"];
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
  const configs = await asAdmin((admin) => admin.describeConfigs(resource));
  add("DescribeConfigs", JSON.stringify(configs));
  add("its output", node.broker.output);
  add("its log", readFileSync(secured.logOf(node.nodeId), "utf8"));
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
