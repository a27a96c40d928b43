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
import { cleanerFlags, keepsLastValues } from "./compacted-topic.ts";
import { followerReadFlags, readsFromFollowers } from "./follower-read.ts";
import { servesGroupsAnywhere } from "./group-api.ts";
import { comesAndGoes, membershipFlags, takesTheDeadOnesPlace } from "./membership-change.ts";
import { missesNoStreamSilently } from "./missing-stream.ts";

// Real clients go on producing and consuming while the leader of a partition is killed, and while
// brokers are added and removed. Also tests that need a cluster without faults.

const LIMIT_MS = 180_000;
const cluster = useCluster({
  flags: (nodeId) => [...followerReadFlags(nodeId), ...membershipFlags, ...cleanerFlags],
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
    // The next test needs a whole cluster, even if this test fails.
    onTestFinished(revive);
    return revive;
  },
};

clusterIt(
  "a consumer reads all records from the replica in its rack, in order",
  () => readsFromFollowers(cluster),
  LIMIT_MS,
);

clusterIt(
  "a compacted topic keeps the last value of each key at its offset",
  () => keepsLastValues(cluster),
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
  "a fourth broker joins, gets partitions, and is removed",
  () => comesAndGoes(cluster),
  limitMs(2),
);

const inLongForm: typeof clusterIt = isLong ? clusterIt : () => {};

inLongForm(
  "a new broker replaces the controller, which is dead, and holds the metadata",
  () => takesTheDeadOnesPlace(cluster),
  limitMs(2),
);

// This test is the last one, because it deletes a stream.
clusterIt(
  "a partition whose stream is missing answers KAFKA_STORAGE_ERROR, while the others go on",
  () => missesNoStreamSilently(cluster),
  LIMIT_MS,
);
