// Measures how long the partitions of a broker accept no records when the broker, or only its
// nats-server, dies. JetStream's election takes 4 to 9 seconds, at random: so goals compare
// medians, and a single round has no goal.

import type { Bench } from "../bench.ts";
import { clusterGaps, streamGaps } from "../cluster-loads.ts";
import type { GapsResult } from "../load/gaps.ts";
import { partitionLeaders } from "../load/partition-leaders.ts";
import { type Goal, Row } from "../report.ts";
import type { ClusterNode } from "../targets/cluster.ts";
import type { BareJetStream } from "../targets/nats.ts";
import { connected } from "../targets/target.ts";
import { CLUSTER, createReplicated, type RunningCluster, withClusters } from "./cluster.ts";

const TOPIC = "bench-gap";
const PARTITIONS = 6;
/** Longer than the longest election and what a broker may add to it. */
const MEASURE_MS = 20_000;
const QUICK_MEASURE_MS = 14_000;

export async function measureFailOver(bench: Bench): Promise<Row[]> {
  const above = (value: number): Goal | null => (bench.quick ? null : { kind: "above", value });
  const engine = new Row(CLUSTER, "no produce after kill -9 of a nats-server", "ms", above(1000));
  const broker = new Row(CLUSTER, "no produce after kill -9 of a broker", "ms", above(4000));
  const measureMs = bench.quick ? QUICK_MEASURE_MS : MEASURE_MS;
  await withClusters(bench, async (raw, clusters) => {
    await raw.createStreams(TOPIC, PARTITIONS);
    for (const { port } of clusters) await createReplicated(port, TOPIC, PARTITIONS);
    for (let round = 0; round < (bench.quick ? 1 : 3); round++) {
      const gapMs = await streamGapMs(raw, measureMs);
      for (const row of [engine, broker]) row.add("raw", gapMs);
      for (const one of clusters) {
        if (one.nodes[0]!.killEngine !== null)
          engine.add(
            one.target.name,
            await clusterGapMs(one, measureMs, (node) => node.killEngine!()),
          );
        broker.add(one.target.name, await clusterGapMs(one, measureMs, (node) => node.kill()));
      }
    }
  });
  return [engine, broker];
}

async function streamGapMs(raw: BareJetStream, measureMs: number): Promise<number> {
  const streams = await raw.streams(TOPIC, PARTITIONS);
  const victim = streams[0]!.url;
  const servers = raw.urls.filter((url) => url !== victim);
  const subjects = streams.map(({ subject }) => subject);
  const job = { servers, subjects, measureMs };
  const result = await streamGaps(job, () => raw.kill(victim));
  raw.restart(victim);
  return longestOf(result, (partition) => streams[partition]!.url === victim);
}

async function clusterGapMs(
  { nodes }: RunningCluster,
  measureMs: number,
  kill: (node: ClusterNode) => Promise<void>,
): Promise<number> {
  const ports = nodes.map(({ server }) => server.port);
  const leaders = await partitionLeaders(ports[0]!, TOPIC, PARTITIONS);
  const victim = nodes.find(({ id }) => id === leaders[0]!.nodeId)!;
  const job = { ports, topic: TOPIC, partitions: PARTITIONS, measureMs };
  const result = await clusterGaps(job, () => kill(victim));
  if (victim.server.exited) {
    victim.restart();
    (await connected(victim.server)).close();
  }
  return longestOf(result, (partition) => leaders[partition]!.nodeId === victim.id);
}

function longestOf({ longestMs }: GapsResult, isAffected: (partition: number) => boolean): number {
  return Math.max(...longestMs.filter((_, partition) => isAffected(partition)));
}
