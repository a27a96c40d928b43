// A consumer at the tip of many partitions, of which ten get records, one at a time. The reference,
// in the column of the raw limit, is a consumer of these ten only. Both have a fetch session.

import { ErrorCode, Fetch } from "@tarpan/protocol";
import { type Bench, type Section, withBrokers } from "../bench.ts";
import type { Connection } from "../connection.ts";
import { batchOf, produceErrorAt, produceRequest } from "../frames.ts";
import { Row } from "../report.ts";
import type { ServerProcess } from "../targets/process.ts";
import { connected, createTopicOn } from "../targets/target.ts";

const SECTION = "tip";
const TOPIC = "bench-000";
const FEW = 10;
const MANY = 1_000;
/** The last version that names topics; Kafka has it too. */
const FETCH_VERSION = 12;
const MAX_WAIT_MS = 500;
const MAX_BYTES = 1024 * 1024;

export const tip: Section = {
  name: "tip",
  async measure(bench) {
    const name = `a record read at the tip of ${MANY} partitions, not ${FEW}`;
    const goal = { kind: "times", value: 2 } as const;
    const rows = {
      tarpan: new Row(SECTION, name, "CPU ms", goal),
      kafka: new Row(SECTION, `${name}: Kafka`, "CPU ms"),
    };
    await withBrokers(bench, "never", async (brokers) => {
      for (const { server } of brokers) {
        await createTopicOn(server, TOPIC, MANY);
      }
      for (let round = 0; round < (bench.quick ? 3 : 7); round++) {
        for (const { target, server } of brokers) {
          const row = rows[target.name];
          row.add("raw", await cpuMsPerRecord(bench, server, FEW));
          row.add(target.name, await cpuMsPerRecord(bench, server, MANY));
        }
      }
    });
    return bench.targets.map(({ name }) => rows[name]);
  },
};

async function cpuMsPerRecord(
  bench: Bench,
  server: ServerProcess,
  partitions: number,
): Promise<number> {
  const producer = await connected(server);
  const consumer = new TipConsumer(await connected(server));
  await consumer.readToEnd(partitions);
  const records = bench.quick ? 1_000 : 3_000;
  const warmUp = records / 4;
  let beforeMs = Number.NaN;
  for (let i = 0; i < warmUp + records; i++) {
    if (i === warmUp) beforeMs = await server.cpuMs();
    const fetched = consumer.fetch();
    await produceOne(producer, i % FEW);
    if ((await fetched) === 0) await consumer.fetch();
  }
  const usedMs = (await server.cpuMs()) - beforeMs;
  producer.close();
  consumer.close();
  return usedMs / records;
}

const { batch } = batchOf(1024, 1);
const errorAt = produceErrorAt(TOPIC);

async function produceOne(connection: Connection, partition: number): Promise<void> {
  const answer = await connection.exchange(produceRequest(TOPIC, partition, batch, 0));
  const errorCode = answer.readInt16BE(errorAt);
  if (errorCode !== ErrorCode.NONE) throw new Error(`Produce was answered with ${errorCode}`);
}

/** Names a partition only when its offset has moved, as the Java consumer does. */
class TipConsumer {
  readonly #connection: Connection;
  readonly #offsets: number[] = [];
  #changed: number[] = [];
  #sessionId = 0;
  #sessionEpoch = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async readToEnd(partitions: number): Promise<void> {
    for (let partition = 0; partition < partitions; partition++) {
      this.#offsets.push(0);
      this.#changed.push(partition);
    }
    while ((await this.fetch()) > 0);
  }

  /** Resolves to the number of partitions that had records. */
  async fetch(): Promise<number> {
    const partitions = this.#changed.map((partition) => ({
      partition,
      fetchOffset: this.#offsets[partition]!,
      partitionMaxBytes: MAX_BYTES,
    }));
    this.#changed = [];
    const { responses, sessionId, errorCode } = await this.#connection.request(
      Fetch,
      FETCH_VERSION,
      {
        maxWaitMs: MAX_WAIT_MS,
        minBytes: 1,
        maxBytes: MAX_BYTES,
        sessionId: this.#sessionId,
        sessionEpoch: this.#sessionEpoch++,
        topics: partitions.length > 0 ? [{ topic: TOPIC, partitions }] : [],
        forgottenTopicsData: [],
      },
    );
    if (errorCode !== ErrorCode.NONE) throw new Error(`Fetch was answered with ${errorCode}`);
    this.#sessionId = sessionId;
    for (const one of responses.flatMap((response) => response.partitions)) {
      const records = Math.floor((one.records?.length ?? 0) / batch.length);
      if (records === 0) continue;
      this.#offsets[one.partitionIndex]! += records;
      this.#changed.push(one.partitionIndex);
    }
    return this.#changed.length;
  }

  close(): void {
    this.#connection.close();
  }
}
