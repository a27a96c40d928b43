// Kafka's tools over TLS: both brokers run side by side, with the same key, each flushing as it
// does by default.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Bench, withBrokers } from "../bench.ts";
import {
  consumerPerformance,
  producerPerformance,
  type ToolJob,
  type ToolResult,
} from "../kafka-tools.ts";
import { type Goal, Row } from "../report.ts";
import { freePort, type ServerProcess } from "../targets/process.ts";
import { createTopicOn, type Target } from "../targets/target.ts";

const run = promisify(execFile);
const program = fileURLToPath(new URL("../../../packages/cli/bin/tarpan.js", import.meta.url));
const RECORD_BYTES = 1024;
const GOAL: Goal = { kind: "kafka", value: 1 };

interface Measured {
  readonly subject: "tarpan" | "kafka";
  readonly server: ServerProcess;
  readonly port: number;
}

export async function measureTls(bench: Bench, section: string): Promise<Row[]> {
  const directory = await bench.newDirectory();
  await run(
    process.execPath,
    [...[program, "certificate", "create", "broker"], ...["--hosts", "localhost,127.0.0.1"]],
    { cwd: directory },
  );
  const rows = ["ProducerPerformance", "ConsumerPerformance"].map((tool) => ({
    rate: new Row(section, `${tool} over TLS, Kafka without fsync`, "MB/s", GOAL),
    cost: new Row(section, "  the server's cost of that", "CPU ms/MiB"),
  }));
  const certificates = join(directory, "certificates");
  await withTlsBrokers(bench, join(certificates, "broker.pem"), async (brokers) => {
    for (let round = 0; round <= (bench.quick ? 1 : 5); round++) {
      for (const [i, tool] of [producerPerformance, consumerPerformance].entries()) {
        for (const { subject, server, port } of brokers) {
          const job: ToolJob = {
            kafkaDirectory: bench.kafkaDirectory!,
            topic: `tls-${round}`,
            records: recordsOf(bench, round),
            recordBytes: RECORD_BYTES,
            tls: { port, authority: join(certificates, "ca.crt") },
          };
          if (i === 0) await createTopicOn(server, job.topic, 1);
          const result = await tool(server, job);
          if (round > 0) add(rows[i]!, subject, result);
        }
      }
    }
  });
  return rows.flatMap(({ rate, cost }) => [rate, cost]);
}

/** The first round only warms up the JVMs, and nobody counts it. */
function recordsOf({ quick }: Bench, round: number): number {
  const measured = quick ? 300_000 : 1_000_000;
  return round === 0 ? Math.min(measured, 200_000) : measured;
}

async function withTlsBrokers(
  bench: Bench,
  keystore: string,
  use: (brokers: readonly Measured[]) => Promise<void>,
): Promise<void> {
  const configs = { "ssl.keystore.type": "PEM", "ssl.keystore.location": keystore };
  const ports = { tarpan: await freePort(), kafka: await freePort() };
  const targets = bench.targets.map((target): Target => {
    const second = { protocol: "SSL", port: ports[target.name] } as const;
    const flush = target.name === "tarpan" ? "always" : "never";
    return { ...target, start: (directory) => target.start(directory, flush, configs, second) };
  });
  await withBrokers({ ...bench, targets }, "always", (brokers) =>
    use(
      brokers.map(({ target: { name }, server }) => ({ subject: name, server, port: ports[name] })),
    ),
  );
}

function add(
  rows: { readonly rate: Row; readonly cost: Row },
  subject: Measured["subject"],
  result: ToolResult,
): void {
  const megabytesPerSecond = result.bytesPerSecond / 1e6;
  process.stderr.write(`  ${rows.rate.name}: ${subject} ${megabytesPerSecond.toFixed(0)} MB/s\n`);
  rows.rate.add(subject, megabytesPerSecond);
  rows.cost.add(subject, result.serverCpuMsPerMiB);
}
