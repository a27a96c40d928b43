import { onTestFinished } from "vitest";
import { Cluster, watchCluster } from "../harness/cluster.ts";
import { clusterIt } from "../harness/cluster-engine.ts";
import { ClusterNetwork } from "../harness/cluster-network.ts";
import { printedSeed, SeededRandom } from "../harness/random.ts";
import { AWAY_MS, isLong, limitMs, ROUNDS } from "./chaos.ts";
import { pause } from "./load/load.ts";
import { RecordedRun } from "./load/recorded-run.ts";

const BROKERS = 3;
/** Whom clients still reach must not tell them anything that the others don't know. */
const CUTS = isLong ? (["brokers", "everyone"] as const) : (["brokers"] as const);

clusterIt(
  "keeps its promises while a node is cut off",
  async (context) => {
    const network = await ClusterNetwork.create();
    if (typeof network === "string") return context.skip(network);
    onTestFinished(() => network.remove());
    const hosts = [];
    for (let broker = 0; broker < BROKERS; broker++) hosts.push(await network.addHost());
    const cluster = new Cluster({ hosts });
    watchCluster(cluster);
    await cluster.start();
    const random = new SeededRandom(printedSeed("cut off"));
    const { bootstrap } = cluster;
    const run = await RecordedRun.begin({ bootstrap, topic: "cut-off", replicas: BROKERS });
    for (let round = 0; round < ROUNDS; round++) {
      for (const from of CUTS) {
        const cut = random.below(BROKERS);
        console.log(`broker ${cluster.node(cut).nodeId} is cut off from ${from}`);
        await hosts[cut]!.cutOff(from);
        // Of kafkajs see there: its connections stay, and nothing comes.
        const kafkajs = from === "brokers";
        await Promise.all([run.progress({ kafkajs }), pause(AWAY_MS)]);
        await hosts[cut]!.join(from);
        await cluster.settled();
        await run.progress();
      }
    }
    await run.finish();
  },
  limitMs(ROUNDS * CUTS.length),
);
