import type { Bench } from "../bench.ts";
import { Row } from "../report.ts";
import { CLUSTER, createReplicated, REPLICAS, withClusters } from "./cluster.ts";

const PARTITIONS = 300;
const QUICK_PARTITIONS = 30;
const TOPIC = "bench-300";

/** Time until a new topic with many partitions has a leader in each. */
export async function measureCreation(bench: Bench): Promise<Row[]> {
  const partitions = bench.quick ? QUICK_PARTITIONS : PARTITIONS;
  const goal = bench.quick ? null : ({ kind: "most", value: 60_000 } as const);
  const name = `${partitions} partitions x ${REPLICAS} replicas created`;
  const row = new Row(CLUSTER, name, "ms", goal);
  await withClusters(bench, async (raw, clusters) => {
    row.add("raw", await timeMs(() => raw.createStreams(TOPIC, partitions)));
    for (const { target, port } of clusters)
      row.add(target.name, await timeMs(() => createReplicated(port, TOPIC, partitions)));
  });
  return [row];
}

async function timeMs(run: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await run();
  return performance.now() - startMs;
}
