import { onTestFinished } from "vitest";
import { clusterOfTest } from "../harness/cluster.ts";
import { clusterIt } from "../harness/cluster-engine.ts";
import { ClusterNetwork } from "../harness/cluster-network.ts";
import { printedSeed, SeededRandom } from "../harness/random.ts";
import { within } from "../harness/within.ts";
import { AWAY_MS, isLong, limitMs, ROUNDS } from "./chaos.ts";
import { pause } from "./load/load.ts";
import { RecordedRun } from "./load/recorded-run.ts";
import { waitingMember } from "./waiting-member.ts";

const BROKERS = 3;
/** A broker that hears nobody knows after 1.6 s. */
const LET_GO_MS = 10_000;
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
        // What it waits for would come in 30 s, if at all, and clients wait for it as long as 5
        // min.
        if (isFirst) await within(LET_GO_MS, "the member is let go", waiting.letGo);
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
