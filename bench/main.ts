// `npm run bench`: measures each section, prints it as a table, and saves everything as JSON.

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Bench, directoriesIn, type Section } from "./bench.ts";
import { type Row, table } from "./report.ts";
import { cleanup } from "./sections/cleanup.ts";
import { client } from "./sections/client.ts";
import { cluster } from "./sections/cluster.ts";
import { fetch } from "./sections/fetch.ts";
import { groups } from "./sections/groups.ts";
import { keeping } from "./sections/keeping.ts";
import { latency } from "./sections/latency.ts";
import { produce } from "./sections/produce.ts";
import { security } from "./sections/security.ts";
import { startup } from "./sections/startup.ts";
import { tip } from "./sections/tip.ts";
import { tools } from "./sections/tools.ts";
import { transactions } from "./sections/transactions.ts";
import { kafka } from "./targets/kafka.ts";
import type { Target } from "./targets/target.ts";
import { tarpan } from "./targets/tarpan.ts";

const SECTIONS: readonly Section[] = [
  produce,
  fetch,
  latency,
  startup,
  groups,
  tip,
  cleanup,
  keeping,
  cluster,
  tools,
  transactions,
  client,
  security,
];
const USAGE = `Usage: npm run bench -- [--quick] [--only ${SECTIONS.map(({ name }) => name).join("|")}]
                       [--peers kafka --kafka-dir DIR]   (DIR holds Kafka's jars in libs/)`;

const resultsDirectory = fileURLToPath(new URL("../../bench-results", import.meta.url));

const options = readOptions();
await mkdir(resultsDirectory, { recursive: true });
const scratch = await mkdtemp(join(resultsDirectory, "scratch-"));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

const startedAt = new Date();
const loadBefore = loadavg()[0]!;
const rows: Row[] = [];
const failures: string[] = [];
const bench: Bench = {
  quick: options.quick,
  targets: options.targets,
  kafkaDirectory: options.kafkaDirectory,
  newDirectory: directoriesIn(scratch),
};
try {
  for (const section of options.sections) await measure(section);
} finally {
  await rm(scratch, { recursive: true, force: true });
}
await save();
for (const failure of failures) console.error(failure);
process.exit(failures.length > 0 ? 1 : 0);

async function measure(section: Section): Promise<void> {
  const skipped = section.skipped?.(bench) ?? null;
  if (skipped !== null) {
    console.log(`\n${section.name}: skipped: ${skipped}\n`);
    return;
  }
  process.stderr.write(`Measuring ${section.name} …\n`);
  try {
    const measured = await section.measure(bench);
    rows.push(...measured);
    console.log(`\n${section.name}\n${table(measured, options.targets.length > 1)}\n`);
  } catch (error) {
    failures.push(`${section.name} failed: ${(error as Error).stack}`);
  }
}

async function save(): Promise<void> {
  const path = join(resultsDirectory, `${startedAt.toISOString().replaceAll(":", "-")}.json`);
  const seconds = Math.round((Date.now() - startedAt.getTime()) / 1000);
  const machine = {
    node: process.version,
    processor: cpus()[0]?.model,
    processors: cpus().length,
    loadBefore,
    loadAfter: loadavg()[0],
  };
  await writeFile(path, `${JSON.stringify({ startedAt, seconds, machine, rows }, null, 2)}\n`);
  console.log(
    `${seconds} s on ${machine.processors} x ${machine.processor}, Node ${machine.node}, ` +
      `load before ${loadBefore.toFixed(1)}. All samples: ${path}`,
  );
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        quick: { type: "boolean", default: false },
        only: { type: "string", multiple: true },
        peers: { type: "string" },
        "kafka-dir": { type: "string" },
      },
    });
    const sections = values.only ? values.only.map((name) => sectionNamed(name)) : SECTIONS;
    const { quick, peers, "kafka-dir": kafkaDirectory = null } = values;
    return { quick, sections, kafkaDirectory, targets: targetsOf(peers, kafkaDirectory) };
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    process.exit(1);
  }
}

function sectionNamed(name: string): Section {
  const section = SECTIONS.find((one) => one.name === name);
  if (!section) throw new Error(`There is no section ${name}.`);
  return section;
}

function targetsOf(peers: string | undefined, kafkaDirectory: string | null): Target[] {
  if (peers === undefined) return [tarpan];
  if (peers !== "kafka") throw new Error(`The only peer is kafka, not ${peers}.`);
  if (kafkaDirectory === null) throw new Error("--peers kafka needs --kafka-dir DIR.");
  return [tarpan, kafka(kafkaDirectory)];
}
