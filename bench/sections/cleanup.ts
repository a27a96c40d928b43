// What retention and compaction cost beside produce. The reference, in the column of the raw limit,
// is the same broker without them.

import { type Bench, type Section, withBrokers } from "../bench.ts";
import { loadLatency, loadProduce } from "../loads.ts";
import { type Goal, Row } from "../report.ts";
import type { ServerProcess } from "../targets/process.ts";
import { type Configs, createTopicOn } from "../targets/target.ts";
import { tarpan } from "../targets/tarpan.ts";

const SECTION = "cleanup";
const TOPIC = "bench-000";
const KIB = 1024;
const MIB = 1024 * KIB;
const BATCH_BYTES = 64 * KIB;
const LOAD = { topic: TOPIC, recordBytes: KIB, batchBytes: BATCH_BYTES, window: 10 } as const;
const SEGMENTS = { "log.segment.bytes": String(64 * MIB) };
/** A segment is deleted about as often as one is filled. */
const RETENTION = {
  ...SEGMENTS,
  "log.retention.bytes": String(64 * MIB),
  "log.initial.task.delay.ms": "1000",
  "log.retention.check.interval.ms": "1000",
  "log.segment.delete.delay.ms": "1000",
};
const COMPACTION = {
  ...SEGMENTS,
  "log.cleanup.policy": "compact",
  "log.cleaner.backoff.ms": "1000",
};
const MEASURED = { topic: TOPIC, recordBytes: KIB, ratePerSecond: 500, isKeyed: true } as const;
/** 20 MB/s, which fills a segment in three seconds. */
const STEADY = { ...MEASURED, recordBytes: BATCH_BYTES, ratePerSecond: 320 } as const;

export const cleanup: Section = { name: SECTION, measure: measureCleanup };

/** What is deleted or compacted is as much as what is written. */
async function measureCleanup(bench: Bench): Promise<Row[]> {
  const times: Goal = { kind: "times", value: 1.2 };
  const p99 = (load: string) => new Row(SECTION, `p99 of 500/s ${load}`, "ms", times);
  const rate = new Row(SECTION, "produce as fast as possible under retention", "MB/s", {
    kind: "ratio",
    value: 0.95,
  });
  const after = p99("in the seconds after it");
  const retained = p99("and 20 MB/s under retention");
  const compacted = p99("and 20 MB/s under compaction");
  const rounds = bench.quick ? 3 : 7;
  await withOurs(bench, [SEGMENTS, RETENTION, COMPACTION], async ([plain, deletes, compacts]) => {
    // So much that retention begins to delete.
    const fill = { ...LOAD, partitions: 1, connections: 1, warmUpMs: 0, measureMs: 3000 };
    for (const server of [plain!, deletes!]) await loadProduce(server, fill);
    for (let i = 0; i < rounds; i++) {
      retained.add("raw", await steadyP99(plain!));
      retained.add("tarpan", await steadyP99(deletes!));
      compacted.add("raw", retained.samples.raw!.at(-1)!);
      compacted.add("tarpan", await steadyP99(compacts!));
    }
    for (let i = 0; i < rounds; i++) {
      await extremeRound("raw", plain!, rate, after);
      await extremeRound("tarpan", deletes!, rate, after);
    }
  });
  return [retained, compacted, rate, after];
}

async function withOurs(
  bench: Bench,
  configs: readonly Configs[],
  use: (servers: readonly ServerProcess[]) => Promise<void>,
  started: readonly ServerProcess[] = [],
): Promise<void> {
  const [first, ...rest] = configs;
  if (first === undefined) return use(started);
  const startNext = async ([broker]: readonly { server: ServerProcess }[]) => {
    await createTopicOn(broker!.server, TOPIC, 1);
    await withOurs(bench, rest, use, [...started, broker!.server]);
  };
  await withBrokers({ ...bench, targets: [tarpan] }, "always", startNext, first);
}

async function steadyP99(server: ServerProcess): Promise<number> {
  const times = { warmUpMs: 1000, measureMs: 5000 };
  const [measured] = await Promise.all([
    loadLatency(server, { ...MEASURED, ...times }),
    loadLatency(server, { ...STEADY, ...times }),
  ]);
  return measured.p99Ms;
}

async function extremeRound(
  subject: "raw" | "tarpan",
  server: ServerProcess,
  rate: Row,
  after: Row,
): Promise<void> {
  const job = { ...LOAD, partitions: 1, connections: 1, warmUpMs: 500, measureMs: 5000 };
  rate.add(subject, (await loadProduce(server, job)).bytesPerSecond / 1e6);
  const { p99Ms } = await loadLatency(server, { ...MEASURED, warmUpMs: 500, measureMs: 4000 });
  after.add(subject, p99Ms);
}
