// What security costs: TLS beside Kafka's, a log-in, ACLs, and how exactly a quota is kept.

import { AlterClientQuotas } from "@tarpan/protocol";
import { type Bench, type Section, withBrokers } from "../bench.ts";
import { loadProduce } from "../loads.ts";
import { Row } from "../report.ts";
import { connected, createTopicOn } from "../targets/target.ts";
import { tarpan } from "../targets/tarpan.ts";
import { measureTls } from "./security-tls.ts";
import { measureUsers } from "./security-users.ts";

const SECTION = "security";
const TOPIC = "bench-000";
const KIB = 1024;
const QUOTA_MB = 5;
/**
 * As in Kafka, a producer that sends as fast as it can sends what it may send in ten seconds at
 * once, and again when that has left the window of 11 samples. So only whole periods show a rate;
 * the measurement begins in the middle of one.
 */
const PERIOD_MS = 11_000;

export const security: Section = {
  name: SECTION,
  async measure(bench) {
    const tls = bench.kafkaDirectory === null ? [] : await measureTls(bench, SECTION);
    return [...tls, ...(await measureUsers(bench, SECTION)), ...(await measureQuota(bench))];
  },
};

/** The quota stands in the place of the raw limit: at most, and at least, so much of it. */
async function measureQuota(bench: Bench): Promise<Row[]> {
  const name = `produce with a quota of ${QUOTA_MB} MB/s`;
  const most = new Row(SECTION, `${name}: no more`, "MB/s", { kind: "times", value: 1.05 });
  const least = new Row(SECTION, "  and no less", "MB/s", { kind: "ratio", value: 0.95 });
  await withBrokers({ ...bench, targets: [tarpan] }, "always", async ([broker]) => {
    const { server } = broker!;
    await createTopicOn(server, TOPIC, 1);
    const admin = await connected(server);
    const entity = [{ entityType: "client-id", entityName: "bench" }];
    const ops = [{ key: "producer_byte_rate", value: QUOTA_MB * 1e6, remove: false }];
    const request = { entries: [{ entity, ops }], validateOnly: false };
    const { entries } = await admin.request(AlterClientQuotas, 1, request);
    if (entries[0]!.errorCode !== 0) throw new Error(`A quota: ${entries[0]!.errorMessage}`);
    admin.close();
    const load = { topic: TOPIC, partitions: 1, connections: 1, window: 10, recordBytes: KIB };
    const times = { warmUpMs: PERIOD_MS / 2, measureMs: PERIOD_MS * (bench.quick ? 1 : 3) };
    const result = await loadProduce(server, { ...load, ...times, batchBytes: 64 * KIB });
    for (const row of [most, least]) {
      row.add("raw", QUOTA_MB);
      row.add("tarpan", result.bytesPerSecond / 1e6);
    }
  });
  return [most, least];
}
