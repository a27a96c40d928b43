import { clusterOfTest } from "../harness/cluster.ts";
import { hasEngine } from "../harness/cluster-engine.ts";
import { applications } from "../interop/java-application.ts";
import { countWords, WORD_COUNT_LIMIT_MS } from "../interop/word-count.ts";

applications.it(
  "Kafka Streams counts words exactly once amid kills of the application and of nodes",
  async (context) => {
    if (!hasEngine) context.skip("there is no nats-server");
    const cluster = clusterOfTest({});
    await cluster.start();
    await countWords(cluster.bootstrap, async (random) => {
      const node = random.pick(cluster.nodes);
      await node.kill9("both");
      await node.start();
      await cluster.settled();
    });
  },
  WORD_COUNT_LIMIT_MS,
);
