import { expect, onTestFinished } from "vitest";
import { keepBank } from "../bank/keep-bank.ts";
import { useCluster } from "../harness/cluster.ts";
import { clusterIt } from "../harness/cluster-engine.ts";
import type { ClusterNode } from "../harness/cluster-node.ts";
import { printedSeed, SeededRandom } from "../harness/random.ts";
import { AWAY_MS, isLong } from "./chaos.ts";
import { pause } from "./load/load.ts";

// A bank amid failures of any node: each transfer is whole or absent, and every transaction ends.

const FAULTS = Number(process.env.TARPAN_CHAOS_ROUNDS ?? (isLong ? 20 : 2));
const LIMIT_MS = 120_000 + FAULTS * (60_000 + AWAY_MS);

const cluster = useCluster();

const bankOf = (name: string, seed: number) => {
  return { name, bootstrap: cluster.bootstrap, seed, replicas: 3, limitMs: LIMIT_MS };
};

interface Fault {
  readonly what: string;
  happens(node: ClusterNode): Promise<void> | void;
  heals(node: ClusterNode): Promise<void> | void;
}

const KILLS: readonly Fault[] = [
  {
    what: "killed with its nats-server",
    happens: (node) => node.kill9("both"),
    heals: (node) => node.start(),
  },
  {
    what: "without its nats-server, which is killed",
    happens: (node) => node.kill9("engine"),
    heals: () => {},
  },
];

const PAUSES: readonly Fault[] = (["both", "broker", "engine"] as const).map((part) => ({
  what: `paused (${part})`,
  async happens(node) {
    node.pause(part);
    await pause(AWAY_MS);
  },
  heals: (node) => node.resume(part),
}));

clusterIt(
  "keeps transfers whole while nodes are killed and paused",
  async () => {
    const seed = printedSeed("transactions in a cluster");
    const random = new SeededRandom(seed);
    await keepBank(bankOf("killed", seed), async () => {
      for (let i = 0; i < FAULTS; i++) {
        const fault = isLong ? random.pick([...KILLS, ...PAUSES]) : KILLS[i % KILLS.length]!;
        const node = random.pick(cluster.nodes);
        console.log(`broker ${node.nodeId} is ${fault.what}`);
        let isHealed = false;
        const heal = async () => {
          if (isHealed) return;
          isHealed = true;
          await fault.heals(node);
        };
        onTestFinished(heal);
        await pause(500 + random.below(2_000));
        await fault.happens(node);
        await pause(random.below(2_000));
        await heal();
        await cluster.settled();
      }
    });
  },
  LIMIT_MS + 60_000,
);

clusterIt(
  "ends transactions after all brokers were paused longer than they may be alone",
  async () => {
    const seed = printedSeed("transactions after a pause of all");
    await keepBank(bankOf("paused", seed), async () => {
      await pause(1_500);
      for (const node of cluster.nodes) node.pause("engine");
      await pause(AWAY_MS);
      for (const node of cluster.nodes) node.resume("engine");
      await cluster.settled();
      await pause(2_000);
    });
    expect(cluster.nodes.every(({ running }) => running)).toBe(true);
  },
  LIMIT_MS + 60_000,
);
