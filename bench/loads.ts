// Starts loads, each in its own process, and measures the server's processor time for them.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { CommitsJob, CommitsResult } from "./load/commits.ts";
import type { FetchJob } from "./load/fetch.ts";
import type { HeartbeatsJob } from "./load/heartbeats.ts";
import type { LatencyResult } from "./load/latencies.ts";
import type { LatencyJob } from "./load/latency.ts";
import type { LoginsJob, LoginsResult } from "./load/logins.ts";
import type { LoadResult } from "./load/measure.ts";
import type { ProduceJob } from "./load/produce.ts";
import type { RebalanceJob, RebalanceResult } from "./load/rebalance.ts";
import type { TransactionsJob, TransactionsResult } from "./load/transactions.ts";
import type { ServerProcess } from "./targets/process.ts";

const run = promisify(execFile);
const MIB = 1024 * 1024;

export interface Throughput extends LoadResult {
  /** Processor time of the server per MiB: other programs affect it less than a rate. */
  readonly serverCpuMsPerMiB: number;
}

export function loadProduce(
  server: ServerProcess,
  job: Omit<ProduceJob, "port">,
): Promise<Throughput> {
  return throughput(server, "produce", { ...job, port: server.port });
}

export function loadFetch(server: ServerProcess, job: Omit<FetchJob, "port">): Promise<Throughput> {
  return throughput(server, "fetch", { ...job, port: server.port });
}

export function loadLatency(
  server: ServerProcess,
  job: Omit<LatencyJob, "port">,
): Promise<LatencyResult> {
  return load<LatencyResult>(server, "latency", { ...job, port: server.port });
}

export function loadHeartbeats(
  server: ServerProcess,
  job: Omit<HeartbeatsJob, "port">,
): Promise<LatencyResult> {
  return load<LatencyResult>(server, "heartbeats", { ...job, port: server.port });
}

export function loadRebalance(
  server: ServerProcess,
  job: Omit<RebalanceJob, "port">,
): Promise<RebalanceResult> {
  return load<RebalanceResult>(server, "rebalance", { ...job, port: server.port });
}

export function loadCommits(
  server: ServerProcess,
  job: Omit<CommitsJob, "port">,
): Promise<CommitsResult> {
  return load<CommitsResult>(server, "commits", { ...job, port: server.port });
}

export function loadLogins(server: ServerProcess, job: LoginsJob): Promise<LoginsResult> {
  return load<LoginsResult>(server, "logins", job);
}

export function loadTransactions(
  server: ServerProcess,
  job: Omit<TransactionsJob, "port">,
): Promise<TransactionsResult> {
  return load<TransactionsResult>(server, "transactions", { ...job, port: server.port });
}

async function throughput(
  server: ServerProcess,
  name: string,
  job: ProduceJob | FetchJob,
): Promise<Throughput> {
  const before = await server.cpuMs();
  const result = await load<LoadResult>(server, name, job);
  const usedMs = (await server.cpuMs()) - before;
  return { ...result, serverCpuMsPerMiB: usedMs / (result.totalBytes / MIB) };
}

async function load<T>(server: ServerProcess, name: string, job: object): Promise<T> {
  try {
    return JSON.parse(await runScript(`load/${name}`, job)) as T;
  } catch (error) {
    throw new Error(`${(error as Error).message}\nThe server wrote: ${server.output}`);
  }
}

/** Runs a script of the bench with a job as its argument; resolves to its output. */
export async function runScript(name: string, job: object): Promise<string> {
  const script = fileURLToPath(new URL(`./${name}.js`, import.meta.url));
  const { stdout } = await run(process.execPath, [script, JSON.stringify(job)]);
  return stdout;
}
