// What the client costs: @tarpan/client beside kafkajs and @platformatic/kafka, in turn, in this
// process and on the same broker. The column of the raw limit is the other client's.
import { type Bench, type Section, withBrokers } from "../bench.ts";
import { CLIENTS, type ClientWork } from "../load/clients.ts";
import { Row } from "../report.ts";
import { createTopicOn } from "../targets/target.ts";

const SECTION = "client";
const RECORD_BYTES = 100;
/** At least this part of the other client's rate. */
const GOALS = { kafkajs: 1.5, "@platformatic/kafka": 1 } as const;
const KINDS = ["produce", "consume"] as const;

type Rates = Record<(typeof KINDS)[number], number>;

export const client: Section = {
  name: SECTION,
  measure: (bench) =>
    withBrokers(bench, "never", async (brokers) => {
      const rows: Row[] = [];
      for (const { target, server } of brokers) {
        const ours = rowsOn(target.name);
        rows.push(...ours.values());
        for (let round = 0; round <= (bench.quick ? 2 : 5); round++) {
          const rates = await measured(server, `clients-${round}`, bench);
          // The first round is a warm-up.
          if (round > 0) add(ours, rates);
        }
      }
      return rows;
    }),
};

const keyOf = (kind: string, other: string) => `${kind} ${other}`;

function rowsOn(target: string): Map<string, Row> {
  const rows = new Map<string, Row>();
  for (const kind of KINDS)
    for (const [other, value] of Object.entries(GOALS)) {
      const name = `${kind} on ${target}, ${RECORD_BYTES} B; raw limit: ${other}`;
      rows.set(keyOf(kind, other), new Row(SECTION, name, "1/s", { kind: "ratio", value }));
    }
  return rows;
}

/** Each client's rates: each produces to a topic of its own, and all read the first one's. */
async function measured(
  server: Parameters<typeof createTopicOn>[0],
  prefix: string,
  { quick }: Bench,
): Promise<Map<string, Rates>> {
  const rates = new Map<string, Rates>();
  const topics = CLIENTS.map((_, index) => `${prefix}-${index}`);
  for (const topic of topics) await createTopicOn(server, topic, 1);
  const records = quick ? 50_000 : 200_000;
  const work = (topic: string): ClientWork => {
    return { port: server.port, topic, recordBytes: RECORD_BYTES, records };
  };
  for (const [index, each] of CLIENTS.entries()) {
    const produce = await each.produce(work(topics[index]!));
    rates.set(each.name, { produce, consume: 0 });
  }
  for (const each of CLIENTS) rates.get(each.name)!.consume = await each.consume(work(topics[0]!));
  return rates;
}

function add(rows: Map<string, Row>, rates: Map<string, Rates>): void {
  for (const kind of KINDS)
    for (const other of Object.keys(GOALS)) {
      const row = rows.get(keyOf(kind, other))!;
      row.add("tarpan", rates.get("@tarpan/client")![kind]);
      row.add("raw", rates.get(other)![kind]);
    }
}
