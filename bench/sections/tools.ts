// Kafka's own performance tools and kcat as loads. The measured brokers run side by side, each of
// them warm, and every round writes a topic of about 1 GB and reads it from the page cache.

import { type Bench, type Section, withBrokers } from "../bench.ts";
import {
  consumerPerformance,
  isKcatInstalled,
  kcat,
  producerPerformance,
  type ToolJob,
  type ToolResult,
} from "../kafka-tools.ts";
import { type Goal, Row } from "../report.ts";
import type { ServerProcess } from "../targets/process.ts";
import { createTopicOn } from "../targets/target.ts";

const SECTION = "tools";
/** So many that the JVM of the tool is warm for most of them. */
const RECORDS = 1_000_000;
/** Of the first topic, which nobody measures: after it the JVM of the server is warm too. */
const WARM_UP_RECORDS = 300_000;
/** A sync of each request of a few batches takes Kafka so long that fewer must do. */
const KAFKA_SYNCED_RECORDS = 250_000;
const RECORD_BYTES = 1024;
const GOAL: Goal = { kind: "kafka", value: 1.3 };

type Subject = "tarpan" | "kafka";
type Tool = (server: ServerProcess, job: ToolJob) => Promise<ToolResult>;

interface Measured {
  readonly server: ServerProcess;
  /** Where its figures belong: ours are compared with Kafka's twice. */
  readonly produce: readonly (readonly [Rows, Subject])[];
  /** Null for Kafka with fsync, which reads as Kafka without. */
  readonly consume: Subject | null;
}

export const tools: Section = {
  name: "tools",
  skipped({ kafkaDirectory }) {
    return kafkaDirectory === null ? "the tools are in Kafka's jars: --peers kafka" : null;
  },
  measure(bench) {
    const kafka = bench.targets.filter(({ name }) => name === "kafka");
    return withBrokers(bench, "always", (synced) =>
      withBrokers({ ...bench, targets: kafka }, "never", async ([notSynced]) => {
        const fsync = rowsOf("ProducerPerformance, both with fsync", null);
        const noFsync = rowsOf("ProducerPerformance, Kafka without fsync", GOAL);
        const [ours, kafkas] = synced.map(({ server }) => server) as [ServerProcess, ServerProcess];
        const produce = [fsync, noFsync].map((rows) => [rows, "tarpan"] as const);
        const measured: Measured[] = [
          { server: ours, produce, consume: "tarpan" },
          { server: notSynced!.server, produce: [[noFsync, "kafka"]], consume: "kafka" },
          { server: kafkas, produce: [[fsync, "kafka"]], consume: null },
        ];
        const readers = readersOf();
        await measureRounds(bench, measured, readers);
        return [fsync, noFsync, ...readers.map(({ rows }) => rows)].flat();
      }),
    );
  },
};

type Rows = readonly [rate: Row, cost: Row];

function rowsOf(name: string, goal: Goal | null): Rows {
  const cost = new Row(SECTION, "  the server's cost of that", "CPU ms/MiB");
  return [new Row(SECTION, name, "MB/s", goal), cost];
}

function readersOf(): { readonly tool: Tool; readonly rows: Rows }[] {
  const readers = [{ tool: consumerPerformance, rows: rowsOf("ConsumerPerformance", GOAL) }];
  if (isKcatInstalled()) readers.push({ tool: kcat, rows: rowsOf("kcat", GOAL) });
  return readers;
}

async function measureRounds(
  bench: Bench,
  measured: readonly Measured[],
  readers: readonly { readonly tool: Tool; readonly rows: Rows }[],
): Promise<void> {
  const rounds = bench.quick ? 1 : 5;
  for (let round = 0; round <= rounds; round++) {
    const isWarmUp = round === 0;
    const job: ToolJob = {
      kafkaDirectory: bench.kafkaDirectory!,
      topic: `tools-${round}`,
      records: isWarmUp ? WARM_UP_RECORDS : RECORDS,
      recordBytes: RECORD_BYTES,
    };
    const produceTo = async ({ server, produce, consume }: Measured) => {
      await createTopicOn(server, job.topic, 1);
      const records = consume === null ? KAFKA_SYNCED_RECORDS : job.records;
      const result = await producerPerformance(server, { ...job, records });
      for (const [rows, subject] of isWarmUp ? [] : produce) add(rows, subject, result);
    };
    const consumers = measured.filter(({ consume }) => consume !== null);
    for (const one of consumers) await produceTo(one);
    for (const { tool, rows } of readers) {
      for (const { server, consume } of consumers) {
        const result = await tool(server, job);
        if (!isWarmUp) add(rows, consume!, result);
      }
    }
    for (const one of measured) if (one.consume === null && !isWarmUp) await produceTo(one);
  }
}

function add([rate, cost]: Rows, subject: Subject, result: ToolResult): void {
  const megabytesPerSecond = result.bytesPerSecond / 1e6;
  process.stderr.write(`  ${rate.name}: ${subject} ${megabytesPerSecond.toFixed(0)} MB/s\n`);
  rate.add(subject, megabytesPerSecond);
  cost.add(subject, result.serverCpuMsPerMiB);
}
