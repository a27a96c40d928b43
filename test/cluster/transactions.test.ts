import { expect } from "vitest";
import { keepBank } from "../bank/keep-bank.ts";
import { useCluster } from "../harness/cluster.ts";
import { clusterIt } from "../harness/cluster-engine.ts";
import { printedSeed, SeededRandom } from "../harness/random.ts";
import { AWAY_MS, isLong } from "./chaos.ts";
import { pause } from "./load/load.ts";
import { amidFaults } from "./random-faults.ts";

// A bank amid failures of any node: each transfer is whole or absent, and every transaction ends.

const FAULTS = Number(process.env.TARPAN_CHAOS_ROUNDS ?? (isLong ? 20 : 2));
const LIMIT_MS = 120_000 + FAULTS * (60_000 + AWAY_MS);

const cluster = useCluster();

const bankOf = (name: string, seed: number) => {
  return { name, bootstrap: cluster.bootstrap, seed, replicas: 3, limitMs: LIMIT_MS };
};

clusterIt(
  "keeps transfers whole while nodes are killed and paused",
  async () => {
    const seed = printedSeed("transactions in a cluster");
    const random = new SeededRandom(seed);
    await keepBank(bankOf("killed", seed), async () => {
      await amidFaults(cluster, random, FAULTS);
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
