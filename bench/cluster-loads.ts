// Starts the loads for a cluster, each in its own process.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { ClusterGapsJob } from "./load/cluster-gaps.ts";
import type { ClusterProduceJob } from "./load/cluster-produce.ts";
import type { GapsResult } from "./load/gaps.ts";
import type { LatencyResult } from "./load/latencies.ts";
import type { LoadResult } from "./load/measure.ts";
import type { StreamGapsJob } from "./load/stream-gaps.ts";
import type { StreamLatencyJob } from "./load/stream-latency.ts";
import type { StreamProduceJob } from "./load/stream-produce.ts";
import { runScript } from "./loads.ts";

export const loadClusterProduce = (job: ClusterProduceJob) =>
  load<LoadResult>("cluster-produce", job);

export const loadStreamProduce = (job: StreamProduceJob) => load<LoadResult>("stream-produce", job);

export const loadStreamLatency = (job: StreamLatencyJob) =>
  load<LatencyResult>("stream-latency", job);

async function load<T>(name: string, job: object): Promise<T> {
  return JSON.parse(await runScript(`load/${name}`, job)) as T;
}

export const clusterGaps = (job: ClusterGapsJob, onProducing: () => Promise<void>) =>
  gaps("cluster-gaps", job, onProducing);

export const streamGaps = (job: StreamGapsJob, onProducing: () => Promise<void>) =>
  gaps("stream-gaps", job, onProducing);

/**
 * `onProducing` is called when every partition accepts records. It kills the process whose failure
 * is measured.
 */
async function gaps(
  name: string,
  job: object,
  onProducing: () => Promise<void>,
): Promise<GapsResult> {
  const script = fileURLToPath(new URL(`./load/${name}.js`, import.meta.url));
  const child = spawn(process.execPath, [script, JSON.stringify(job)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  let killed: Promise<void> | null = null;
  for await (const chunk of child.stdout.setEncoding("utf8")) {
    text += chunk;
    if (text.startsWith("producing\n")) killed ??= onProducing();
  }
  if (killed === null) throw new Error(`${name} never produced to every partition`);
  await killed;
  return JSON.parse(text.slice(text.indexOf("\n"))) as GapsResult;
}
