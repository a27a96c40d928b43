import { onTestFinished } from "vitest";
import type { Cluster } from "../harness/cluster.ts";
import type { ClusterNode } from "../harness/cluster-node.ts";
import type { SeededRandom } from "../harness/random.ts";
import { AWAY_MS, isLong } from "./chaos.ts";
import { pause } from "./load/load.ts";

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

/** Lets `count` faults happen to random nodes, one after another. Each is over before the next. */
export async function amidFaults(
  cluster: Cluster,
  random: SeededRandom,
  count: number,
): Promise<void> {
  for (let i = 0; i < count; i++) {
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
}
