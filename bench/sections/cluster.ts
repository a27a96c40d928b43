// Three brokers, three replicas, acks=all. The raw limit is bare JetStream: the same batches, sent
// with nats.js to three nats-servers with the same configuration. All share this machine's
// processors and its one disk, so the figures can be compared only with each other.

import { rm } from "node:fs/promises";
import type { Bench, Section } from "../bench.ts";
import { loadClusterProduce, loadStreamLatency, loadStreamProduce } from "../cluster-loads.ts";
import { Connection } from "../connection.ts";
import type { LatencyResult } from "../load/latencies.ts";
import { controllerPort, partitionLeaders } from "../load/partition-leaders.ts";
import type { StreamLatencyJob } from "../load/stream-latency.ts";
import { loadLatency } from "../loads.ts";
import { Row, type Subject } from "../report.ts";
import type { ClusterNode } from "../targets/cluster.ts";
import { BareJetStream, findNatsServer } from "../targets/nats.ts";
import { connected, createTopic, type Target } from "../targets/target.ts";
import { measureCreation } from "./cluster-creation.ts";
import { measureFailOver } from "./cluster-failover.ts";

export const CLUSTER = "cluster";
export const BROKERS = 3;
export const REPLICAS = 3;

const KIB = 1024;
/** Batches in flight per partition: what two of Kafka's producers keep in flight. */
const WINDOW = 10;
/** Warm-up, not measured. */
const BEFOREHAND = { warmUpMs: 0, measureMs: 6000 };
/**
 * With `sync_interval: always` every server syncs each message twice: a disk may not keep up with
 * 500.
 */
const RATES_PER_SECOND = [200, 500];
/** Topics, by their number of partitions. The latency is that of the first. */
const TOPICS = [
  { topic: "bench-000", partitions: 1 },
  { topic: "bench-001", partitions: 6 },
] as const;

export interface RunningCluster {
  readonly target: Target;
  readonly nodes: readonly ClusterNode[];
  /** The Kafka port of the first broker. */
  readonly port: number;
}

export const cluster: Section = {
  name: CLUSTER,

  skipped() {
    if (findNatsServer() !== null) return null;
    return "there is no nats-server on PATH, nor where TARPAN_NATS_SERVER says";
  },

  async measure(bench) {
    return [
      ...(await measureThroughputAndLatency(bench)),
      ...(await measureFailOver(bench)),
      ...(await measureCreation(bench)),
    ];
  },
};

async function measureThroughputAndLatency(bench: Bench): Promise<Row[]> {
  const goal = { kind: "ratio", value: 0.8 } as const;
  const rates = TOPICS.map(({ topic, partitions }) => {
    const what = `1 KiB records, 64 KiB batches, ${partitions} partition${partitions > 1 ? "s" : ""}`;
    return { topic, partitions, row: new Row(CLUSTER, `${what}, flush always`, "MB/s", goal) };
  });
  const latencies = RATES_PER_SECOND.flatMap((ratePerSecond) =>
    (["p50", "p99"] as const).map((part) => {
      const name = `${part} of ${ratePerSecond}/s of 1 KiB, flush always`;
      const most = part === "p50" ? ({ kind: "times", value: 2 } as const) : null;
      return { ratePerSecond, part: `${part}Ms` as const, row: new Row(CLUSTER, name, "ms", most) };
    }),
  );
  const time = bench.quick
    ? { rounds: 1, warmUpMs: 500, measureMs: 1500 }
    : { rounds: 3, warmUpMs: 1000, measureMs: 4000 };
  const base = { recordBytes: KIB, batchBytes: 64 * KIB, ...time };
  await withClusters(bench, async (raw, clusters) => {
    for (const { topic, partitions } of TOPICS) {
      await raw.createStreams(topic, partitions);
      for (const { port } of clusters) await createReplicated(port, topic, partitions);
    }
    for (const { topic, partitions } of TOPICS) {
      // Three brokers share the load, so V8 needs longer until the code of each is compiled.
      const job = { ...base, ...BEFOREHAND, topic, partitions, window: WINDOW * partitions };
      await loadStreamProduce({ ...job, streams: await raw.streams(topic, partitions) });
      for (const { port } of clusters) await loadClusterProduce({ ...job, port });
    }
    for (let round = 0; round < time.rounds; round++) {
      for (const { topic, partitions, row } of rates) {
        const job = { ...base, topic, partitions, window: WINDOW * partitions };
        const streams = await raw.streams(topic, partitions);
        row.add("raw", (await loadStreamProduce({ ...job, streams })).bytesPerSecond / 1e6);
        for (const { target, port } of clusters) {
          const { bytesPerSecond } = await loadClusterProduce({ ...job, port });
          row.add(target.name, bytesPerSecond / 1e6);
        }
      }
      for (const ratePerSecond of RATES_PER_SECOND) {
        const job = { recordBytes: KIB, ratePerSecond, ...time };
        await measureLatency(job, raw, clusters, (name, result) => {
          for (const { part, row } of latencies.filter(
            (one) => one.ratePerSecond === ratePerSecond,
          ))
            row.add(name, result[part]);
        });
      }
    }
  });
  return [...rates, ...latencies].map(({ row }) => row);
}

async function measureLatency(
  job: Omit<StreamLatencyJob, "stream">,
  raw: BareJetStream,
  clusters: readonly RunningCluster[],
  add: (name: Subject, result: LatencyResult) => void,
): Promise<void> {
  const [{ topic }] = TOPICS;
  const [stream] = await raw.streams(topic, 1);
  add("raw", await loadStreamLatency({ ...job, stream: stream! }));
  for (const { target, nodes, port } of clusters) {
    const [leader] = await partitionLeaders(port, topic, 1);
    const { server } = nodes.find(({ id }) => id === leader!.nodeId)!;
    try {
      add(target.name, await loadLatency(server, { ...job, topic }));
    } catch (error) {
      // Kafka handles one request at a time per connection: if an ack takes long, it falls behind
      // any rate. The other figures are still measured.
      if (target.name !== "kafka") throw error;
      process.stderr.write(`kafka can't keep up with ${job.ratePerSecond}/s\n`);
    }
  }
}

/** Runs `use` with bare JetStream and a cluster of each target, at the same time. */
export async function withClusters<T>(
  bench: Bench,
  use: (raw: BareJetStream, clusters: readonly RunningCluster[]) => Promise<T>,
): Promise<T> {
  const directory = await bench.newDirectory();
  const clusters: RunningCluster[] = [];
  let raw: BareJetStream | null = null;
  try {
    raw = await BareJetStream.start(directory, "always");
    for (const target of bench.targets) {
      const own = await bench.newDirectory();
      const nodes = await target.startCluster(own, "always", BROKERS);
      clusters.push({ target, nodes, port: nodes[0]!.server.port });
    }
    for (const { nodes } of clusters)
      for (const { server } of nodes) (await connected(server)).close();
    return await use(raw, clusters);
  } catch (error) {
    const outputs = clusters.flatMap(({ nodes }) => nodes.map(({ server }) => server.output));
    const wrote = [raw?.output, ...outputs].join("\n");
    throw new Error(`${(error as Error).stack}\nThe servers wrote:\n${wrote}`);
  } finally {
    await raw?.stop();
    for (const { nodes } of clusters) await Promise.all(nodes.map((node) => node.kill()));
    await rm(directory, { recursive: true, force: true });
  }
}

/** Resolves when all partitions have leaders. */
export async function createReplicated(port: number, topic: string, partitions: number) {
  const connection = await Connection.open(await controllerPort(port, BROKERS));
  try {
    await createTopic(connection, topic, partitions, REPLICAS);
  } finally {
    connection.close();
  }
  await partitionLeaders(port, topic, partitions);
}
