// Many transactional producers of @tarpan/client in one process. Each commits one transaction after
// another, and all share a few connections.

import { setTimeout as sleep } from "node:timers/promises";
import { Client, TransactionalProducer } from "@tarpan/client";
import { type LatencyResult, resultOf } from "./latencies.ts";

export interface TransactionsJob {
  readonly port: number;
  readonly topic: string;
  readonly partitions: number;
  readonly producers: number;
  readonly connections: number;
  readonly records: number;
  readonly recordBytes: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

export interface TransactionsResult extends LatencyResult {
  readonly transactionsPerSecond: number;
}

const job = JSON.parse(process.argv[2]!) as TransactionsJob;
const value = new Uint8Array(job.recordBytes);
const bootstrap = `127.0.0.1:${job.port}`;
const clients = Array.from({ length: job.connections }, () => new Client({ bootstrap }));
const producers = Array.from({ length: job.producers }, (_, i) => {
  return new TransactionalProducer(clients[i % clients.length]!, { transactionalId: `many-${i}` });
});

const latenciesMs: number[] = [];
let isMeasured = false;
let isOver = false;

async function commitOne(producer: TransactionalProducer, partition: number): Promise<void> {
  await producer.begin();
  const record = { topic: job.topic, partition, key: null, value };
  void producer.sendBatch(Array(job.records).fill(record));
  await producer.commit();
}

async function commitAll(producer: TransactionalProducer, partition: number): Promise<void> {
  while (!isOver) {
    const startMs = performance.now();
    await commitOne(producer, partition);
    if (isMeasured) latenciesMs.push(performance.now() - startMs);
  }
}

const partitionOf = (i: number) => i % job.partitions;
// All of them have their ids, and the clock begins, when each has committed once.
await Promise.all(producers.map((producer, i) => commitOne(producer, partitionOf(i))));
const running = producers.map((producer, i) => commitAll(producer, partitionOf(i)));
await sleep(job.warmUpMs);
isMeasured = true;
const startMs = performance.now();
await sleep(job.measureMs);
isMeasured = false;
const seconds = (performance.now() - startMs) / 1000;
isOver = true;
await Promise.all(running);
const result: TransactionsResult = {
  ...resultOf(Float64Array.from(latenciesMs)),
  transactionsPerSecond: latenciesMs.length / seconds,
};
console.log(JSON.stringify(result));
process.exit(0);
