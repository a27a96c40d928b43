// Loads that others wrote: Kafka's performance tools, from the jars of its distribution, and kcat.
// Each runs in its own process. The rates are the tools' own, so without the start of their JVM;
// kcat reports none, so its time is that of the process.

import { execFile, spawnSync } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { ServerProcess } from "./targets/process.ts";

const run = promisify(execFile);
const MIB = 1024 * 1024;
const OUTPUT_LIMIT_BYTES = 64 * MIB;
/** What the bench needs of a JVM; the rest is the JVM's own choice, as in Kafka's start scripts. */
const JVM_FLAGS = ["-Xms512M", "-Xmx512M", "-server"];

export interface ToolJob {
  /** The directory with Kafka's jars in `libs`. */
  readonly kafkaDirectory: string;
  readonly topic: string;
  readonly records: number;
  readonly recordBytes: number;
  /** If the tool is to connect by TLS: to which port, and the file of the trusted authority. */
  readonly tls?: { readonly port: number; readonly authority: string };
}

export interface ToolResult {
  readonly bytesPerSecond: number;
  readonly serverCpuMsPerMiB: number;
}

type Rate = (job: ToolJob, bootstrap: string) => Promise<number>;

/** The producer, acks=all, batches of 64 KiB, as fast as the broker acknowledges. */
export const producerPerformance = load(async (job, bootstrap) => {
  const { topic, records, recordBytes } = job;
  const options = ["--bootstrap-server", bootstrap, "--topic", topic];
  options.push("--num-records", String(records), "--record-size", String(recordBytes));
  options.push("--throughput", "-1", "--command-property", "acks=all", "batch.size=65536");
  options.push(...tlsProperties(job));
  const output = await java(job, "ProducerPerformance", options);
  const rates = [
    ...output.matchAll(/^\d+ records sent, [\d.]+ records\/sec \(([\d.]+) MB\/sec\)/gm),
  ];
  const [, mibPerSecond] = rates.at(-1) ?? [];
  return readRate(mibPerSecond, output) * MIB;
});

/** The consumer, in a new group, from the topic's start; without the first rebalance. */
export const consumerPerformance = load(async (job, bootstrap) => {
  const { topic, records } = job;
  const options = ["--bootstrap-server", bootstrap, "--topic", topic];
  options.push("--num-records", String(records), "--timeout", "60000");
  const properties = tlsProperties(job);
  if (properties.length > 0) options.push("--command-property", ...properties);
  const output = await java(job, "ConsumerPerformance", options);
  const [names, ...lines] = output.split("\n").map((line) => line.split(", "));
  const column = names!.indexOf("fetch.MB.sec");
  const mibPerSecond = lines.findLast((line) => line.length === names!.length)?.[column];
  return readRate(mibPerSecond, output) * MIB;
});

/** kcat, which is librdkafka's consumer, from its start to its end. */
export const kcat = load(async ({ topic, records, recordBytes }, bootstrap) => {
  const startMs = performance.now();
  const options = ["-C", "-q", "-b", bootstrap, "-t", topic, "-p", "0", "-o", "beginning"];
  options.push("-c", String(records), "-f", "");
  await run("kcat", options, { maxBuffer: OUTPUT_LIMIT_BYTES });
  return (records * recordBytes) / ((performance.now() - startMs) / 1000);
});

export function isKcatInstalled(): boolean {
  return spawnSync("kcat", ["-V"]).status === 0;
}

function load(rate: Rate): (server: ServerProcess, job: ToolJob) => Promise<ToolResult> {
  return async (server, job) => {
    const beforeMs = await server.cpuMs();
    const bytesPerSecond = await rate(job, `127.0.0.1:${job.tls?.port ?? server.port}`);
    const usedMs = (await server.cpuMs()) - beforeMs;
    const serverCpuMsPerMiB = usedMs / ((job.records * job.recordBytes) / MIB);
    return { bytesPerSecond, serverCpuMsPerMiB };
  };
}

function tlsProperties({ tls }: ToolJob): string[] {
  if (tls === undefined) return [];
  const truststore = ["ssl.truststore.type=PEM", `ssl.truststore.location=${tls.authority}`];
  return ["security.protocol=SSL", ...truststore];
}

async function java(job: ToolJob, tool: string, options: readonly string[]): Promise<string> {
  const classPath = join(job.kafkaDirectory, "libs", "*");
  const all = [...JVM_FLAGS, "-cp", classPath, `org.apache.kafka.tools.${tool}`, ...options];
  return (await run("java", all, { maxBuffer: OUTPUT_LIMIT_BYTES })).stdout;
}

function readRate(text: string | undefined, output: string): number {
  const rate = Number(text);
  if (!(rate > 0)) throw new Error(`A tool reported no rate:\n${output.slice(-2000)}`);
  return rate;
}
