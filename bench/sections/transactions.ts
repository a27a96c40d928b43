// What transactions and producer ids cost. Transactions of Kafka's own client, on Tarpan and Kafka;
// those of a thousand producers; reads of committed records, where the column of the raw limit is
// for the same broker without the isolation; idempotent produce, where it is for plain produce; and
// 100,000 producer ids in one partition, where it is for ten.

import { rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, TransactionalProducer } from "@tarpan/client";
import { type Bench, type Section, withBrokers } from "../bench.ts";
import { fillWithProducers } from "../fill.ts";
import { batchOf } from "../frames.ts";
import { JavaTransactions, type JavaTransactionsResult } from "../java-transactions.ts";
import { loadFetch, loadProduce, loadTransactions, type Throughput } from "../loads.ts";
import { type Goal, Row, type Subject } from "../report.ts";
import type { ServerProcess } from "../targets/process.ts";
import { createTopicOn } from "../targets/target.ts";
import { tarpan } from "../targets/tarpan.ts";

const SECTION = "transactions";
const TOPIC = "bench-000";
const KIB = 1024;
const MIB = 1024 * KIB;
const RECORDS = 100;

export const transactions: Section = {
  name: SECTION,
  async measure(bench) {
    return [
      ...(await measureJava(bench)),
      ...(await measureMany(bench)),
      ...(await measureCommitted(bench)),
      ...(await measureIdempotent(bench)),
      ...(await measureProducerIds(bench)),
    ];
  },
};

type JavaRows = readonly [rate: Row, median: Row, p99: Row];

/** One producer, as fast as it can: the client's defaults, records of 1 KiB. */
async function measureJava(bench: Bench): Promise<Row[]> {
  const { kafkaDirectory } = bench;
  if (kafkaDirectory === null) return [];
  const oursOnly = javaRows("Kafka without fsync", true);
  const none = javaRows("both without fsync", true);
  const both = javaRows("both with fsync", false);
  const java = await JavaTransactions.open(kafkaDirectory, await bench.newDirectory());
  type Brokers = readonly { readonly server: ServerProcess }[];
  const use = async ([ours, kafkas]: Brokers, [oursUnsynced, kafkasUnsynced]: Brokers) => {
    const measured = [
      { ...ours!, subject: "tarpan", to: [oursOnly, both] },
      { ...kafkasUnsynced!, subject: "kafka", to: [oursOnly, none] },
      { ...oursUnsynced!, subject: "tarpan", to: [none] },
      { ...kafkas!, subject: "kafka", to: [both] },
    ] as const;
    for (const { server } of measured) await createTopicOn(server, TOPIC, 1);
    for (let round = 0; round <= (bench.quick ? 3 : 7); round++) {
      const isWarmUp = round === 0;
      const measureMs = isWarmUp ? 5_000 : bench.quick ? 3_000 : 6_000;
      for (const { server, subject, to } of measured) {
        const job = { topic: TOPIC, records: RECORDS, recordBytes: KIB, measureMs };
        const result = await java.measure(server.port, job);
        if (!isWarmUp) for (const rows of to) addJava(rows, subject, result);
      }
    }
  };
  try {
    await withBrokers(bench, "always", (synced) =>
      withBrokers(bench, "never", (unsynced) => use(synced, unsynced)),
    );
  } finally {
    java.close();
  }
  return [...oursOnly, ...none, ...both];
}

function javaRows(what: string, hasGoals: boolean): JavaRows {
  const rate: Goal | null = hasGoals ? { kind: "kafka", value: 1.3 } : null;
  const time: Goal | null = hasGoals ? { kind: "at most kafka", value: 1 } : null;
  return [
    new Row(SECTION, `of ${RECORDS} records of 1 KiB, Java client, ${what}`, "1/s", rate),
    new Row(SECTION, "  p50 of a commit, the records with it", "ms"),
    new Row(SECTION, "  p99 of that", "ms", time),
  ];
}

function addJava(rows: JavaRows, subject: Subject, result: JavaTransactionsResult): void {
  const { transactionsPerSecond, commitP50Ms, commitP99Ms } = result;
  const [rate, median, p99] = rows;
  rate.add(subject, transactionsPerSecond);
  median.add(subject, commitP50Ms);
  p99.add(subject, commitP99Ms);
}

/** Kafka's fsync is off. */
async function measureMany(bench: Bench): Promise<Row[]> {
  const producers = 1_000;
  const rate = new Row(SECTION, `${producers} producers at once, 1 KiB each`, "1/s");
  const p99 = new Row(SECTION, "  p99 of a transaction", "ms");
  const memory = new Row(SECTION, "  the server's resident memory", "MiB");
  const job = {
    topic: TOPIC,
    partitions: 100,
    producers,
    connections: 50,
    records: 1,
    recordBytes: KIB,
    warmUpMs: bench.quick ? 2_000 : 5_000,
    measureMs: bench.quick ? 4_000 : 10_000,
  };
  for (const target of bench.targets) {
    const flush = target.name === "tarpan" ? "always" : "never";
    await withBrokers({ ...bench, targets: [target] }, flush, async ([broker]) => {
      const { server } = broker!;
      await createTopicOn(server, TOPIC, job.partitions);
      for (let round = 0; round < (bench.quick ? 1 : 3); round++) {
        const result = await loadTransactions(server, job);
        rate.add(target.name, result.transactionsPerSecond);
        p99.add(target.name, result.p99Ms);
        memory.add(target.name, (await server.residentBytes()) / MIB);
      }
    });
  }
  return [rate, p99, memory];
}

/** From the page cache and the broker's memory: 64 MiB in transactions of 100 records. */
async function measureCommitted(bench: Bench): Promise<Row[]> {
  const rows: Row[] = [];
  for (const abortEvery of [0, 10]) {
    const log = abortEvery === 0 ? "all committed" : `one in ${abortEvery} aborted`;
    const ofTarget = (name: string, goal: Goal | null) =>
      [
        new Row(SECTION, `read_committed to read_uncommitted, ${log}${name}`, "MB/s", goal),
        new Row(SECTION, COST, "CPU ms/MiB"),
      ] as const;
    const byTarget = {
      tarpan: ofTarget("", { kind: "ratio", value: 0.95 }),
      kafka: ofTarget(": Kafka", null),
    };
    await withBrokers(bench, "never", async (brokers) => {
      const offsets = 640 * (RECORDS + 1);
      for (const { server } of brokers) {
        await createTopicOn(server, TOPIC, 1);
        await fillWithTransactions(server.port, offsets / (RECORDS + 1), abortEvery);
      }
      for (let round = 0; round < (bench.quick ? 5 : 11); round++) {
        for (const { target, server } of brokers) {
          const own = byTarget[target.name];
          add(own, "raw", await fetchAll(bench, server, offsets, false));
          add(own, target.name, await fetchAll(bench, server, offsets, true));
        }
      }
    });
    rows.push(...bench.targets.flatMap(({ name }) => byTarget[name]));
  }
  return rows;
}

async function fillWithTransactions(port: number, count: number, abortEvery: number) {
  const client = new Client({ bootstrap: `127.0.0.1:${port}` });
  const producer = new TransactionalProducer(client, { transactionalId: "fill" });
  const record = { topic: TOPIC, partition: 0, key: null, value: new Uint8Array(KIB) };
  for (let i = 0; i < count; i++) {
    await producer.begin();
    await producer.sendBatch(Array(RECORDS).fill(record));
    if (abortEvery > 0 && i % abortEvery === 0) await producer.abort();
    else await producer.commit();
  }
  await producer.close();
  await client.close();
  // The last markers are written after the last end was answered.
  await sleep(500);
}

function fetchAll(
  bench: Bench,
  server: ServerProcess,
  offsets: number,
  committed: boolean,
): Promise<Throughput> {
  const steps = 63;
  return loadFetch(server, {
    ...{ topic: TOPIC, window: 4, maxBytes: MIB, leastBytes: MIB / 2, offset: 0, committed },
    ...{ steps, offsetStep: Math.floor(offsets / (steps + 1)), recordsPerByte: 1 / KIB },
    warmUpMs: 300,
    measureMs: bench.quick ? 700 : 1_500,
  });
}

const COST = "  the server's cost of that";

function add([rate, cost]: readonly [Row, Row], subject: Subject, result: Throughput): void {
  rate.add(subject, result.bytesPerSecond / 1e6);
  cost.add(subject, result.serverCpuMsPerMiB);
}

const PRODUCE = { topic: TOPIC, partitions: 1, connections: 1, window: 10 } as const;

async function measureIdempotent(bench: Bench): Promise<Row[]> {
  const name = "idempotent produce to plain, 1 KiB records, 64 KiB batches";
  const rate = new Row(SECTION, name, "MB/s", { kind: "ratio", value: 0.97 });
  const rows = [rate, new Row(SECTION, COST, "CPU ms/MiB")] as const;
  await withBrokers({ ...bench, targets: [tarpan] }, "always", async ([broker]) => {
    const { server } = broker!;
    await createTopicOn(server, TOPIC, 1);
    const job = { ...PRODUCE, recordBytes: KIB, batchBytes: 64 * KIB, warmUpMs: 300 };
    for (let round = 0; round < (bench.quick ? 7 : 15); round++) {
      for (const subject of ["raw", "tarpan"] as const) {
        const producers = { count: subject === "raw" ? 0 : 1, epoch: round };
        const measureMs = bench.quick ? 700 : 1_500;
        add(rows, subject, await loadProduce(server, { ...job, measureMs, producers }));
      }
    }
  });
  return [...rows];
}

/** Batches of one record: the cost of a request and not of its bytes. */
async function measureProducerIds(bench: Bench): Promise<Row[]> {
  const many = 100_000;
  const ids = `${many} producer ids`;
  const slow: Goal = { kind: "ratio", value: 0.9 };
  const produced = [
    new Row(SECTION, `${ids}: produce of 100 B`, "MB/s", slow),
    new Row(SECTION, COST, "CPU ms/MiB"),
  ] as const;
  const goal: Goal = { kind: "most", value: 2_000 };
  const afterStop = new Row(SECTION, `${ids}: start to the partition's first answer`, "ms", goal);
  const afterKill = new Row(SECTION, "  the same after a kill", "ms", goal);
  const batch = batchOf(100, 1);
  const brokers = [
    { subject: "raw", count: 10, directory: await bench.newDirectory() },
    { subject: "tarpan", count: many, directory: await bench.newDirectory() },
  ] as const;
  for (const { count, directory } of brokers) {
    const server = await tarpan.start(directory, "never");
    await createTopicOn(server, TOPIC, 1);
    await fillWithProducers(server.port, TOPIC, batch, { count, epoch: 0 });
    await server.stop();
  }
  for (let round = 1; round <= (bench.quick ? 3 : 7); round++) {
    for (const { subject, count, directory } of brokers) {
      const server = await ledAgain(directory, subject, afterStop);
      const job = { ...PRODUCE, recordBytes: 100, batchBytes: 1, warmUpMs: 500, measureMs: 1_500 };
      const producers = { count, epoch: round };
      add(produced, subject, await loadProduce(server, { ...job, producers }));
      await server.kill();
      await (await ledAgain(directory, subject, afterKill)).stop();
    }
  }
  for (const { directory } of brokers) await rm(directory, { recursive: true, force: true });
  return [...produced, afterStop, afterKill];
}

/** Starts a broker on a directory with the topic; resolves when it answers for the partition. */
async function ledAgain(directory: string, subject: Subject, time: Row): Promise<ServerProcess> {
  const server = await tarpan.start(directory, "never");
  await createTopicOn(server, TOPIC, 1);
  time.add(subject, performance.now() - server.startedMs);
  return server;
}
