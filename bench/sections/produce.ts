// Produce throughput. The raw limit depends only on batch size and flush, so cases with the same
// form a group: one raw server and one broker, each measured once per round. It is the limit of one
// connection and one file: several files at once may get more out of a disk.

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type Bench, type Section, withBrokers } from "../bench.ts";
import { batchOf } from "../frames.ts";
import type { ProduceJob } from "../load/produce.ts";
import { loadProduce } from "../loads.ts";
import { type Goal, Row } from "../report.ts";
import { rawProduce } from "../targets/raw.ts";
import { createTopicOn, type Flush } from "../targets/target.ts";

interface Group {
  readonly flush: Flush;
  readonly batchBytes: number;
  readonly cases: readonly Case[];
  readonly rounds: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

interface Case {
  readonly recordBytes: number;
  readonly partitions: number;
  readonly connections: number;
}

const KIB = 1024;
/** As many requests as the producers of a busy process have in flight to one broker. */
const WINDOW = 10;
const MAIN_CASE: Case = { recordBytes: KIB, partitions: 1, connections: 1 };
const GOAL = { kind: "ratio", value: 0.6 } as const;
const MANY_PARTITIONS_GOAL = { kind: "ratio", value: 0.8 } as const;

function groups(quick: boolean): Group[] {
  const main = { batchBytes: 64 * KIB, cases: [MAIN_CASE] };
  const mainTime = quick
    ? { rounds: 3, warmUpMs: 300, measureMs: 700 }
    : { rounds: 5, warmUpMs: 500, measureMs: 1500 };
  const time = quick
    ? { rounds: 1, warmUpMs: 200, measureMs: 400 }
    : { rounds: 2, warmUpMs: 300, measureMs: 800 };
  const cases = [KIB, 100].flatMap((recordBytes) =>
    [1, 8, 100].map((partitions) => ({ recordBytes, partitions, connections: 1 })),
  );
  return [
    { flush: "always", ...main, ...mainTime },
    { flush: "never", ...main, ...mainTime },
    { flush: "always", batchBytes: 16 * KIB, cases, ...time },
    {
      flush: "always",
      batchBytes: 64 * KIB,
      cases: [...cases.slice(1), { ...MAIN_CASE, partitions: 8, connections: 8 }],
      ...time,
    },
    { flush: "always", batchBytes: 1024 * KIB, cases, ...time },
  ];
}

export const produce: Section = {
  name: "produce",
  async measure(bench) {
    const rows: Row[] = [];
    for (const group of groups(bench.quick)) rows.push(...(await measureGroup(bench, group)));
    return rows;
  },
};

async function measureGroup(bench: Bench, group: Group): Promise<Row[]> {
  const directory = await bench.newDirectory();
  const { flush, batchBytes, rounds, warmUpMs, measureMs } = group;
  const runs = group.cases.map((one, i) => ({ one, topic: topicOf(i), row: rowOf(group, one) }));
  const cost = costRow(group);
  const { batch } = batchOf(MAIN_CASE.recordBytes, batchBytes);
  const file = join(directory, "raw");
  const raw = await rawProduce({ topic: topicOf(0), batchBytes: batch.length, flush, file });
  try {
    (await raw.connect()).close();
    await withBrokers(bench, flush, async (brokers) => {
      for (const { server } of brokers) {
        for (const { one, topic } of runs) await createTopicOn(server, topic, one.partitions);
      }
      for (let round = 0; round < rounds; round++) {
        const times = { window: WINDOW, batchBytes, warmUpMs, measureMs };
        const base: Omit<ProduceJob, "port"> = { ...times, ...MAIN_CASE, topic: topicOf(0) };
        const limit = await loadProduce(raw, base);
        for (const { row } of runs) row.add("raw", limit.bytesPerSecond / 1e6);
        cost.add("raw", limit.serverCpuMsPerMiB);
        for (const { one, topic, row } of runs) {
          for (const { target, server } of brokers) {
            const result = await loadProduce(server, { ...base, ...one, topic });
            row.add(target.name, result.bytesPerSecond / 1e6);
            if (one === MAIN_CASE) cost.add(target.name, result.serverCpuMsPerMiB);
          }
        }
      }
    });
  } finally {
    await raw.stop();
    await rm(directory, { recursive: true, force: true });
  }
  const rows = runs.map(({ row }) => row);
  return group.cases.includes(MAIN_CASE) ? [...rows, cost] : rows;
}

/** Topic names of the same length: the raw server finds the batch by its position. */
function topicOf(index: number): string {
  return `bench-${String(index).padStart(3, "0")}`;
}

function rowOf(group: Group, one: Case): Row {
  const size = one.recordBytes === KIB ? "1 KiB" : `${one.recordBytes} B`;
  const parts = [`${size} records, ${group.batchBytes / KIB} KiB batches`];
  parts.push(`${one.partitions} partition${one.partitions > 1 ? "s" : ""}`);
  if (one.connections > 1) parts.push(`${one.connections} connections`);
  parts.push(`flush ${group.flush}`);
  return new Row("produce", parts.join(", "), "MB/s", goalOf(group, one));
}

function goalOf(group: Group, one: Case): Goal | null {
  if (one === MAIN_CASE) return group.flush === "always" ? GOAL : null;
  const isMany = one.recordBytes === 100 && one.partitions === 100;
  return isMany && group.batchBytes === 64 * KIB ? MANY_PARTITIONS_GOAL : null;
}

function costRow(group: Group): Row {
  return new Row("produce", `  the server's cost of that, flush ${group.flush}`, "CPU ms/MiB");
}
