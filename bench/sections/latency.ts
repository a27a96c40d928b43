import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type Section, withBrokers } from "../bench.ts";
import { batchOf } from "../frames.ts";
import { loadLatency } from "../loads.ts";
import { Row } from "../report.ts";
import { rawProduce } from "../targets/raw.ts";
import { createTopicOn } from "../targets/target.ts";

const RECORD_BYTES = 1024;
const RATE_PER_SECOND = 500;
const TOPIC = "bench-000";

/**
 * Time from when a request is due to its ack, with `flush: always` and a fixed rate of requests.
 */
export const latency: Section = {
  name: "latency",
  async measure(bench) {
    const load = `${RATE_PER_SECOND}/s of 1 KiB, flush always`;
    const rows = (["p50", "p99", "p999"] as const).map((part) => ({
      part: `${part}Ms` as const,
      row: new Row("latency", `${part} of ${load}`, "ms"),
    }));
    const directory = await bench.newDirectory();
    const batchBytes = batchOf(RECORD_BYTES, 1).batch.length;
    const file = join(directory, "raw");
    const raw = await rawProduce({ topic: TOPIC, batchBytes, flush: "always", file });
    const job = {
      topic: TOPIC,
      recordBytes: RECORD_BYTES,
      ratePerSecond: RATE_PER_SECOND,
      warmUpMs: 500,
      measureMs: bench.quick ? 2000 : 5000,
    };
    try {
      (await raw.connect()).close();
      await withBrokers(bench, "always", async (brokers) => {
        for (const { server } of brokers) {
          await createTopicOn(server, TOPIC, 1);
        }
        for (let round = 0; round < (bench.quick ? 1 : 3); round++) {
          const limit = await loadLatency(raw, job);
          for (const { part, row } of rows) row.add("raw", limit[part]);
          for (const { target, server } of brokers) {
            const result = await loadLatency(server, job);
            for (const { part, row } of rows) row.add(target.name, result[part]);
          }
        }
      });
    } finally {
      await raw.stop();
      await rm(directory, { recursive: true, force: true });
    }
    return rows.map(({ row }) => row);
  },
};
