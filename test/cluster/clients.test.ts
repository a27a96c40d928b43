import { onTestFinished } from "vitest";
import { useCluster } from "../harness/cluster.ts";
import { clusterIt } from "../harness/cluster-engine.ts";
import { peer } from "../harness/peers.ts";
import { isLong, limitMs } from "./chaos.ts";
import type { ClientUnderTest } from "./clients/client-under-test.ts";
import { kafkajsClient } from "./clients/kafkajs.ts";
import { kcatClient } from "./clients/kcat.ts";
import { platformaticClient } from "./clients/platformatic.ts";
import { type Deathbed, survive } from "./clients/survive.ts";
import { followerReadFlags, readsFromFollowers } from "./follower-read.ts";
import { servesGroupsAnywhere } from "./group-api.ts";
import { comesAndGoes, membershipFlags, takesTheDeadOnesPlace } from "./membership-change.ts";
import { missesNoStreamSilently } from "./missing-stream.ts";

// Real clients produce and consume on while the leader of what they use dies, brokers come and go
// for good, and what else shows best in a cluster that is otherwise well.

const LIMIT_MS = 180_000;
const cluster = useCluster({
  flags: (nodeId) => [...followerReadFlags(nodeId), ...membershipFlags],
});
const deathbed: Deathbed = {
  get bootstrap() {
    return cluster.bootstrap;
  },
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
  "any broker shows, resets and deletes any group over HTTP",
  () => servesGroupsAnywhere(cluster),
  LIMIT_MS,
);

const kcat = peer("kcat");
const clients = new Map<string, ClientUnderTest>([
  ["kafkajs", kafkajsClient],
  ["platformatic", platformaticClient],
  ...(kcat.path === "" ? [] : [["kcat", kcatClient(kcat.path)] as const]),
]);

clusterIt(
  `${[...clients.keys()].join(", ")} survive a broker's death`,
  () => survive(deathbed, clients),
  LIMIT_MS,
);

clusterIt(
  "a fourth broker joins, takes partitions, and leaves for good",
  () => comesAndGoes(cluster),
  limitMs(2),
);

const inLongForm: typeof clusterIt = isLong ? clusterIt : () => {};

inLongForm(
  "a broker takes the place of one that is dead, the controller, and holds the metadata",
  () => takesTheDeadOnesPlace(cluster),
  limitMs(2),
);

// The last: the topic is of no use any more.
clusterIt(
  "a partition whose stream is gone answers 56, while the others go on",
  () => missesNoStreamSilently(cluster),
  LIMIT_MS,
);
