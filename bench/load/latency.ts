// Produce latency under an open load: a clock sends requests, whether or not earlier ones were
// answered, and each latency is measured from the time its request was due. So a stall of the
// broker shows in every request that was due during it (no coordinated omission).

import { once } from "node:events";
import { connect } from "node:net";
import { Worker } from "node:worker_threads";
import { batchOf, produceErrorAt, produceRequest } from "../frames.ts";
import { FrameHeads } from "./frame-heads.ts";
import { resultOf } from "./latencies.ts";
import type { Pace } from "./pacer.ts";

export interface LatencyJob {
  readonly port: number;
  readonly topic: string;
  readonly recordBytes: number;
  /** Whether all records have the same key; without, they have none. */
  readonly isKeyed?: boolean;
  readonly ratePerSecond: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

/** A clock that is the same in all threads. */
const nowMs = () => Number(process.hrtime.bigint()) / 1e6;
const LEAD_MS = 100;
const DRAIN_LIMIT_MS = 10_000;

const job = JSON.parse(process.argv[2]!) as LatencyJob;
const key = job.isKeyed ? new Uint8Array(8) : null;
const { batch } = batchOf(job.recordBytes, 1, key);
const frame = produceRequest(job.topic, 0, batch, 0);
const errorAt = produceErrorAt(job.topic);
const periodMs = 1000 / job.ratePerSecond;
const ignored = Math.round(job.warmUpMs / periodMs);
const count = ignored + Math.round(job.measureMs / periodMs);

const socket = connect({ host: "127.0.0.1", port: job.port, noDelay: true });
await once(socket, "connect");
const pace: Pace = { startMs: nowMs() + LEAD_MS, periodMs, count };
const latencies = new Float64Array(count);
let answered = 0;
const allAnswered = new Promise<void>((resolve, reject) => {
  const heads = new FrameHeads(errorAt + 2, (head) => {
    const errorCode = head.readInt16BE(errorAt);
    if (errorCode !== 0) reject(new Error(`Produce was answered with error ${errorCode}`));
    latencies[answered] = nowMs() - (pace.startMs + answered * periodMs);
    answered += 1;
    if (answered === count) resolve();
  });
  socket.on("data", (chunk: Buffer) => heads.take(chunk));
  socket.on("close", () => reject(new Error("the connection was closed")));
  const limitMs = LEAD_MS + count * periodMs + DRAIN_LIMIT_MS;
  setTimeout(
    () => reject(new Error(`${count - answered} requests got no answer`)),
    limitMs,
  ).unref();
});

const pacer = new Worker(new URL("./pacer.js", import.meta.url), { workerData: pace });
pacer.on("message", () => socket.write(frame));
await allAnswered;
socket.removeAllListeners("close").destroy();

console.log(JSON.stringify(resultOf(latencies.subarray(ignored))));
