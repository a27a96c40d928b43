import { expect, onTestFinished } from "vitest";
import { useCluster } from "../harness/cluster.ts";
import { clusterIt } from "../harness/cluster-engine.ts";
import type { ClusterNode } from "../harness/cluster-node.ts";
import { printedSeed, SeededRandom } from "../harness/random.ts";
import { AWAY_MS, isLong, limitMs, ROUNDS } from "./chaos.ts";
import { pause } from "./load/load.ts";
import { RecordedRun } from "./load/recorded-run.ts";
import { deletesForGood, retentionFlags } from "./retained-topic.ts";

// Each fault happens under load. A minority of the nodes may fail at any time.

const REPLICAS = 3;
const random = new SeededRandom(printedSeed("faults"));
const cluster = useCluster({ flags: () => retentionFlags });

const begin = (topic: string) =>
  RecordedRun.begin({
    bootstrap: cluster.bootstrap,
    topic,
    replicas: REPLICAS,
    restless: isLong,
  });

interface Fault {
  readonly what: string;
  readonly topic: string;
  /** Makes the node fail. */
  happens(node: ClusterNode): Promise<void> | void;
  /** How long it lasts at least, ms. */
  readonly lastsMs?: number;
  /** Connections stay open without answers, so that kafkajs hangs: see RecordedRun.progress. */
  readonly hangs?: boolean;
  heals(node: ClusterNode): Promise<void> | void;
}

const FAULTS: readonly Fault[] = [
  {
    what: "a broker killed with its nats-server",
    topic: "both-killed",
    happens: (node) => node.kill9("both"),
    heals: (node) => node.start(),
  },
  {
    what: "a broker killed, whose nats-server ends with it",
    topic: "broker-killed",
    happens: async (node) => {
      await node.kill9("broker");
      await node.expectGone();
    },
    heals: (node) => node.start(),
  },
  {
    what: "a nats-server killed, which its broker starts again",
    topic: "engine-killed",
    happens: (node) => node.kill9("engine"),
    heals: () => {},
  },
  {
    what: `a node paused for ${AWAY_MS / 1000} s`,
    topic: "paused",
    happens: (node) => node.pause(),
    lastsMs: AWAY_MS,
    hangs: true,
    heals: (node) => node.resume(),
  },
];

/** Faults that show little more than these, but take as long. */
const LONG_FAULTS: readonly Fault[] = [
  {
    what: `a nats-server paused for ${AWAY_MS / 1000} s`,
    topic: "engine-paused",
    happens: (node) => node.pause("engine"),
    lastsMs: AWAY_MS,
    heals: (node) => node.resume("engine"),
  },
  {
    what: `a broker paused for ${AWAY_MS / 1000} s, its nats-server not`,
    topic: "broker-paused",
    happens: (node) => node.pause("broker"),
    lastsMs: AWAY_MS,
    hangs: true,
    heals: (node) => node.resume("broker"),
  },
];

for (const fault of isLong ? [...FAULTS, ...LONG_FAULTS] : FAULTS) {
  clusterIt(
    `keeps its promises through ${fault.what}`,
    async () => {
      const run = await begin(fault.topic);
      for (let round = 0; round < ROUNDS; round++) {
        const node = random.pick(cluster.nodes);
        console.log(`${fault.what}: broker ${node.nodeId}`);
        let healed = false;
        const heal = async () => {
          if (!healed) await fault.heals(node);
          healed = true;
          await cluster.settled();
        };
        // The next test needs a whole cluster, even if this test fails.
        onTestFinished(heal);
        await fault.happens(node);
        const kafkajs = fault.hangs !== true;
        await Promise.all([run.progress({ kafkajs }), pause(fault.lastsMs ?? 0)]);
        await heal();
        await run.progress();
      }
      await run.finish();
    },
    limitMs(),
  );
}

clusterIt(
  "keeps its promises through a rolling restart",
  async () => {
    const run = await begin("rolling");
    for (let round = 0; round < ROUNDS; round++) {
      for (const node of cluster.nodes) {
        expect(await node.stop()).toBe(0);
        await node.expectGone();
        await run.progress();
        await node.start();
        await cluster.settled();
        await run.progress();
      }
    }
    await run.finish();
  },
  limitMs(ROUNDS * 3),
);

clusterIt(
  "keeps its promises when the whole cluster is killed",
  async () => {
    const run = await begin("all-killed");
    for (let round = 0; round < ROUNDS; round++) {
      await Promise.all(cluster.nodes.map((node) => node.kill9()));
      await cluster.startAll();
      await run.progress();
    }
    await run.finish();
  },
  limitMs(),
);

if (isLong)
  clusterIt(
    "keeps deleted what retention has deleted while its leaders are killed",
    () => deletesForGood(cluster),
    limitMs(ROUNDS * 2),
  );

// This test is the last one, because it stops the cluster.
clusterIt("stops in order when all brokers are told to at once", async () => {
  expect(await cluster.stop()).toEqual(cluster.nodes.map(() => 0));
  for (const node of cluster.nodes) await node.expectGone();
  expect(cluster.output).not.toContain("did not stop in time");
});
