import { keepAppointments } from "../delayed/appointments.ts";
import { keepSettlements, OFTEN_CHECKED } from "../half-messages/settlements.ts";
import { useCluster } from "../harness/cluster.ts";
import { clusterIt } from "../harness/cluster-engine.ts";
import { printedSeed, SeededRandom } from "../harness/random.ts";
import { AWAY_MS, isLong } from "./chaos.ts";
import { amidFaults } from "./random-faults.ts";

// Delayed messages amid failures of any node: each is delivered once, whoever leads its partition
// and that of its target. In the long form half messages, too, which are held in the same way: each
// one that is committed is delivered once.

const FAULTS = Number(process.env.TARPAN_CHAOS_ROUNDS ?? (isLong ? 20 : 2));
const LIMIT_MS = 180_000 + FAULTS * (60_000 + AWAY_MS);

const cluster = useCluster({
  flags: () => OFTEN_CHECKED.flatMap((config) => ["--kafka", config]),
});

clusterIt(
  "delivers delayed messages once while nodes are killed and paused",
  async () => {
    const random = new SeededRandom(printedSeed("delayed messages in a cluster"));
    const { bootstrap } = cluster;
    const options = { name: "killed", bootstrap, random, replicas: 3, deliveredWithinMs: 120_000 };
    await keepAppointments(options, () => amidFaults(cluster, random, FAULTS));
  },
  LIMIT_MS,
);

if (isLong)
  clusterIt(
    "delivers committed half messages once while nodes are killed and paused",
    async () => {
      const random = new SeededRandom(printedSeed("half messages in a cluster"));
      const options = {
        ...{ name: "settled", bootstrap: cluster.bootstrap, random, replicas: 3 },
        deliveredWithinMs: 120_000,
      };
      await keepSettlements(options, () => amidFaults(cluster, random, FAULTS));
    },
    LIMIT_MS,
  );
