import { onTestFinished } from "vitest";
import { useCluster } from "../harness/cluster.ts";
import { clusterIt, hasEngine } from "../harness/cluster-engine.ts";
import { peer } from "../harness/peers.ts";
import { kafkajsClient } from "./clients/kafkajs.ts";
import { kcatClient } from "./clients/kcat.ts";
import { platformaticClient } from "./clients/platformatic.ts";
import { type Deathbed, survive } from "./clients/survive.ts";
import { followerReadFlags, readsFromFollowers } from "./follower-read.ts";
import { missesNoStreamSilently } from "./missing-stream.ts";

// Real clients produce and consume on while the leader of what they use dies, and what else shows best
// in a cluster that is otherwise well.

const LIMIT_MS = 180_000;
const cluster = useCluster({ flags: followerReadFlags });
const deathbed: Deathbed = {
  get bootstrap() {
    return cluster.bootstrap;
  },
  replicas: 3,
  kill: async (leaderId) => {
    const node = cluster.byId(leaderId);
    await node.kill9();
    const revive = async () => {
      if (!node.running) await node.start();
      await cluster.settled();
    };
    // The next test's cluster is whole, also after a failure of this one.
    onTestFinished(revive);
    return revive;
  },
};

clusterIt(
  "a consumer reads from the replica in its rack, in whole and in order",
  () => readsFromFollowers(cluster),
  LIMIT_MS,
);

clusterIt(
  "kafkajs survives a broker's death",
  () => survive(deathbed, "kafkajs", kafkajsClient),
  LIMIT_MS,
);

clusterIt(
  "@platformatic/kafka survives a broker's death",
  () => survive(deathbed, "platformatic", platformaticClient),
  LIMIT_MS,
);

const kcat = peer("kcat");
kcat.it(
  "kcat survives a broker's death",
  async (context) => {
    if (!hasEngine) return context.skip("there is no nats-server");
    await survive(deathbed, "kcat", kcatClient(kcat.path));
  },
  LIMIT_MS,
);

clusterIt(
  "a partition whose stream is gone answers 56, while the others go on",
  () => missesNoStreamSilently(cluster),
  LIMIT_MS,
);
