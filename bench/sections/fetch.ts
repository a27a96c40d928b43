// Fetch throughput of one consumer. At the tip: the last few MiB, fetched again and again right
// after they were produced. Cold: much more than a broker keeps in memory, after a restart, from
// the page cache. The raw limit sends as much from a file of the same size.

import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Bench, type Section, withBrokers } from "../bench.ts";
import { fill } from "../fill.ts";
import { batchOf } from "../frames.ts";
import type { FetchJob } from "../load/fetch.ts";
import { loadFetch } from "../loads.ts";
import { type Goal, Row } from "../report.ts";
import type { ServerProcess } from "../targets/process.ts";
import { rawFetch } from "../targets/raw.ts";
import { connected, createTopicOn, type Target } from "../targets/target.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
/** The Java consumer's `max.partition.fetch.bytes`. */
const FETCH_BYTES = MIB;
const RECORD_BYTES = KIB;
const BATCH_BYTES = 64 * KIB;
const BATCHES_PER_FETCH = FETCH_BYTES / BATCH_BYTES;
const TIP_FETCHES = 3;
const TIP_GOAL: Goal = { kind: "ratio", value: 0.7 };
const COLD_GOAL: Goal = { kind: "ratio", value: 0.85 };
const WINDOW = 4;
const TOPIC = "bench-000";

export const fetch: Section = {
  name: "fetch",
  async measure(bench) {
    const coldFetches = bench.quick ? 64 : 256;
    return withBrokers(bench, "never", async (brokers) => {
      const filled: Filled[] = [];
      for (const broker of brokers)
        filled.push({ ...broker, ...(await fillTopic(broker.server, coldFetches)) });
      const tip = await measureWith(
        bench,
        filled,
        TIP_FETCHES,
        coldFetches - TIP_FETCHES,
        tipRows(),
      );
      for (const one of filled) {
        await one.server.stop();
        // withBrokers stops the server and removes its directory.
        one.server = await one.target.start(one.directory, "never");
        (await connected(one.server)).close();
      }
      try {
        return [
          ...tip,
          ...(await measureWith(bench, filled, coldFetches, 0, coldRows(coldFetches))),
        ];
      } finally {
        for (const { server } of filled) await server.stop();
      }
    });
  },
};

interface Filled {
  readonly target: Target;
  readonly directory: string;
  server: ServerProcess;
  readonly recordsPerBatch: number;
  readonly batchBytes: number;
}

async function fillTopic(server: ServerProcess, fetches: number) {
  await createTopicOn(server, TOPIC, 1);
  const { batch, records } = batchOf(RECORD_BYTES, BATCH_BYTES);
  await fill(server.port, TOPIC, batch, fetches * BATCHES_PER_FETCH);
  return { recordsPerBatch: records, batchBytes: batch.length };
}

function tipRows(): [Row, Row] {
  return [
    new Row("fetch", "at the tip, 1 KiB records, 64 KiB batches", "MB/s", TIP_GOAL),
    new Row("fetch", "  the server's cost of that", "CPU ms/MiB"),
  ];
}

function coldRows(fetches: number): [Row, Row] {
  return [
    new Row(
      "fetch",
      `cold, ${(fetches * FETCH_BYTES) / MIB} MiB after a restart`,
      "MB/s",
      COLD_GOAL,
    ),
    new Row("fetch", "  the server's cost of that", "CPU ms/MiB"),
  ];
}

/** Fetches 1 MiB `fetches` times, from `skipped` MiB after the start, in a cycle. */
async function measureWith(
  bench: Bench,
  filled: readonly Filled[],
  fetches: number,
  skipped: number,
  rows: readonly [Row, Row],
): Promise<readonly Row[]> {
  const { recordsPerBatch, batchBytes } = filled[0]!;
  const chunkBytes = BATCHES_PER_FETCH * batchBytes;
  const directory = await bench.newDirectory();
  const file = join(directory, "raw");
  await writeFile(file, new Uint8Array(chunkBytes * fetches));
  const raw = await rawFetch({ topic: TOPIC, file, chunkBytes, chunks: fetches });
  const offsetStep = recordsPerBatch * BATCHES_PER_FETCH;
  const job: Omit<FetchJob, "port"> = {
    topic: TOPIC,
    window: WINDOW,
    maxBytes: FETCH_BYTES,
    leastBytes: batchBytes,
    offset: skipped * offsetStep,
    offsetStep,
    steps: fetches,
    recordsPerByte: recordsPerBatch / batchBytes,
    warmUpMs: bench.quick ? 200 : 300,
    measureMs: bench.quick ? 600 : 1200,
  };
  const add = async (subject: "raw" | "tarpan" | "kafka", server: ServerProcess) => {
    const result = await loadFetch(server, job);
    rows[0].add(subject, result.bytesPerSecond / 1e6);
    rows[1].add(subject, result.serverCpuMsPerMiB);
  };
  try {
    (await raw.connect()).close();
    for (let round = 0; round < (bench.quick ? 3 : 5); round++) {
      await add("raw", raw);
      for (const { target, server } of filled) await add(target.name, server);
    }
    return rows;
  } finally {
    await raw.stop();
    await rm(directory, { recursive: true, force: true });
  }
}
