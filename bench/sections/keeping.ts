// What it costs to keep much data. The reference, in the column of the raw limit, is the same
// broker with a log of 1 GiB.

import { rm } from "node:fs/promises";
import type { Bench, Section } from "../bench.ts";
import { fill } from "../fill.ts";
import { batchOf } from "../frames.ts";
import type { FetchJob } from "../load/fetch.ts";
import { loadFetch, loadProduce } from "../loads.ts";
import { type Goal, Row } from "../report.ts";
import type { ServerProcess } from "../targets/process.ts";
import { connected, createTopicOn } from "../targets/target.ts";
import { tarpan } from "../targets/tarpan.ts";

const SECTION = "keeping";
const TOPIC = "bench-000";
const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
const BATCH_BYTES = 64 * KIB;
const LOAD = { topic: TOPIC, recordBytes: KIB, batchBytes: BATCH_BYTES, window: 10 } as const;
const FLAT: Goal = { kind: "ratio", value: 0.95 };

export const keeping: Section = {
  name: "keeping",
  async measure(bench) {
    return measureSize(bench);
  },
};

/** One log grows between the figures; a second one of 1 GiB, beside it, is the reference. */
async function measureSize(bench: Bench): Promise<Row[]> {
  const { batch, records } = batchOf(KIB, BATCH_BYTES);
  const rows: Row[] = [];
  const directories = { raw: await bench.newDirectory(), tarpan: await bench.newDirectory() };
  const log = { batch, records, batches: 0 };
  try {
    await fillLog(directories.raw, batch, GIB / batch.length);
    for (const gib of bench.quick ? [1, 5] : [1, 5, 20]) {
      const more = Math.round((gib * GIB) / batch.length) - log.batches;
      await fillLog(directories.tarpan, batch, more);
      log.batches += more;
      const own = sizeRows(gib);
      for (let i = 0; i < (bench.quick ? 3 : 5); i++) {
        for (const subject of ["raw", "tarpan"] as const)
          await measureLog(directories[subject], subject, own, log);
      }
      rows.push(...own);
    }
    return rows;
  } finally {
    for (const directory of Object.values(directories))
      await rm(directory, { recursive: true, force: true });
  }
}

function sizeRows(gib: number): readonly [Row, Row, Row, Row] {
  const name = `a log of ${gib} GiB`;
  return [
    new Row(SECTION, `${name}: start to ready`, "ms", { kind: "times", value: 1.1 }),
    new Row(SECTION, `${name}: the same after a kill`, "ms", { kind: "times", value: 1.1 }),
    new Row(SECTION, `${name}: produce`, "MB/s", FLAT),
    new Row(SECTION, `${name}: fetch of its first 256 MiB`, "MB/s", FLAT),
  ];
}

async function measureLog(
  directory: string,
  subject: "raw" | "tarpan",
  [start, afterKill, produced, fetched]: readonly [Row, Row, Row, Row],
  { batch, records }: { readonly batch: Uint8Array; readonly records: number },
): Promise<void> {
  const stopped = await startOn(directory, subject, start);
  const times = { warmUpMs: 300, measureMs: 1200 };
  const perFetch = MIB / BATCH_BYTES;
  const fetchJob: Omit<FetchJob, "port"> = {
    ...times,
    topic: TOPIC,
    window: 4,
    maxBytes: MIB,
    leastBytes: batch.length,
    offset: 0,
    offsetStep: records * perFetch,
    steps: 256,
    recordsPerByte: records / batch.length,
  };
  fetched.add(subject, (await loadFetch(stopped, fetchJob)).bytesPerSecond / 1e6);
  const produceJob = { ...LOAD, ...times, partitions: 1, connections: 1 };
  produced.add(subject, (await loadProduce(stopped, produceJob)).bytesPerSecond / 1e6);
  await stopped.kill();
  await (await startOn(directory, subject, afterKill)).stop();
}

async function startOn(
  directory: string,
  subject: "raw" | "tarpan",
  time: Row,
): Promise<ServerProcess> {
  const server = await tarpan.start(directory, "always");
  (await connected(server)).close();
  time.add(subject, performance.now() - server.startedMs);
  return server;
}

async function fillLog(directory: string, batch: Uint8Array, count: number): Promise<void> {
  const server = await tarpan.start(directory, "never");
  await createTopicOn(server, TOPIC, 1);
  await fill(server.port, TOPIC, batch, Math.round(count));
  await server.stop();
}
