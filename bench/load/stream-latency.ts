// The latency load, directly to JetStream.

import { Worker } from "node:worker_threads";
import { batchOf } from "../frames.ts";
import type { Stream } from "../targets/nats.ts";
import { resultOf } from "./latencies.ts";
import type { LatencyJob } from "./latency.ts";
import type { Pace } from "./pacer.ts";
import { StreamPublisher } from "./stream-publisher.ts";

export type StreamLatencyJob = Omit<LatencyJob, "port" | "topic"> & { readonly stream: Stream };

const nowMs = () => Number(process.hrtime.bigint()) / 1e6;
const LEAD_MS = 100;
const DRAIN_LIMIT_MS = 10_000;

const job = JSON.parse(process.argv[2]!) as StreamLatencyJob;
const { batch } = batchOf(job.recordBytes, 1);
const periodMs = 1000 / job.ratePerSecond;
const ignored = Math.round(job.warmUpMs / periodMs);
const count = ignored + Math.round(job.measureMs / periodMs);
const latencies = new Float64Array(count);
let answered = 0;
let onAck: (token: number, problem: string | null) => void = () => {};

const publisher = await StreamPublisher.connect([job.stream.url], (token, problem) =>
  onAck(token, problem),
);
const pace: Pace = { startMs: nowMs() + LEAD_MS, periodMs, count };
const allAnswered = new Promise<void>((resolve, reject) => {
  onAck = (token, problem) => {
    if (problem !== null) reject(new Error(`JetStream: ${problem}`));
    latencies[token] = nowMs() - (pace.startMs + token * periodMs);
    answered += 1;
    if (answered === count) resolve();
  };
  const limitMs = LEAD_MS + count * periodMs + DRAIN_LIMIT_MS;
  setTimeout(() => reject(new Error(`${count - answered} publishes got no ack`)), limitMs).unref();
});
const pacer = new Worker(new URL("./pacer.js", import.meta.url), { workerData: pace });
pacer.on("message", (index: number) => publisher.publish(job.stream.subject, batch, index));
await allAnswered;
console.log(JSON.stringify(resultOf(latencies.subarray(ignored))));
process.exit(0);
