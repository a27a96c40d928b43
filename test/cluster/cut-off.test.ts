import { onTestFinished } from "vitest";
import { clusterOfTest } from "../harness/cluster.ts";
import { clusterIt } from "../harness/cluster-engine.ts";
import { ClusterNetwork, type Host } from "../harness/cluster-network.ts";
import { printedSeed, SeededRandom } from "../harness/random.ts";
import { within } from "../harness/within.ts";
import { AWAY_MS, isLong, limitMs, ROUNDS } from "./chaos.ts";
import { deletedWhileCutOff } from "./deleted-while-cut-off.ts";
import { pause } from "./load/load.ts";
import { RecordedRun } from "./load/recorded-run.ts";
import { waitingMember } from "./waiting-member.ts";

const BROKERS = 3;
/** A broker that hears no other one is isolated after 1.6 s, and then closes connections. */
const LET_GO_MS = 10_000;
/** In the first cut, clients still reach the broker: it must not mislead them. */
const CUTS = isLong ? (["brokers", "everyone"] as const) : (["brokers"] as const);

clusterIt(
  "keeps its promises while a node is cut off",
  async (context) => {
    const network = await ClusterNetwork.create();
    if (typeof network === "string") return context.skip(network);
    onTestFinished(() => network.remove());
    const hosts = [];
    for (let broker = 0; broker < BROKERS; broker++) hosts.push(await network.addHost());
    const cluster = clusterOfTest({ hosts });
    await cluster.start();
    const random = new SeededRandom(printedSeed("cut off"));
    const { bootstrap } = cluster;
    const run = await RecordedRun.begin({ bootstrap, topic: "cut-off", replicas: BROKERS });
    const waiting = await waitingMember(bootstrap, "waits");
    for (let round = 0; round < ROUNDS; round++) {
      for (const from of CUTS) {
        const isFirst = round === 0 && from === CUTS[0];
        const cut = isFirst ? waiting.coordinatorId - 1 : random.below(BROKERS);
        console.log(`broker ${cluster.node(cut).nodeId} is cut off from ${from}`);
        await hosts[cut]!.cutOff(from);
        // Without that the member would wait 30 s or longer, and clients allow up to 5 min.
        if (isFirst) await within(LET_GO_MS, "the member is let go", waiting.letGo);
        // If clients are cut off too, kafkajs hangs: see RecordedRun.progress.
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

if (isLong)
  clusterIt(
    "a node that is cut off lets in nobody who was deleted meanwhile",
    async (context) => {
      const network = await ClusterNetwork.create();
      if (typeof network === "string") return context.skip(network);
      onTestFinished(() => network.remove());
      const hosts: Host[] = [];
      for (let broker = 0; broker < BROKERS; broker++) hosts.push(await network.addHost());
      await deletedWhileCutOff(hosts);
    },
    limitMs(1),
  );
