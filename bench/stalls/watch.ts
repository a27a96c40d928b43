// What others feel: small requests to each broker under an open load (see load/latency.ts), from a
// process of their own. Each line of the input, `name`, ends a phase, and its latencies are told.

import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { Worker } from "node:worker_threads";
import { ApiVersions, encodeRequest } from "@tarpan/protocol";
import { batchOf, LENGTH_BYTES, produceRequest } from "../frames.ts";
import { FrameHeads } from "../load/frame-heads.ts";
import { resultOf } from "../load/latencies.ts";
import type { Pace } from "../load/pacer.ts";

export interface Watched {
  readonly name: string;
  readonly port: number;
  /** Null asks for the API versions. */
  readonly topic: string | null;
}

const PERIOD_MS = 2;
const LEAD_MS = 100;
const FOR_EVER = 1e9;
const nowMs = () => Number(process.hrtime.bigint()) / 1e6;

class Lane {
  readonly name: string;
  #latencies: number[] = [];
  #answered = 0;

  constructor(name: string) {
    this.name = name;
  }

  async open({ port, topic }: Watched, startMs: number): Promise<() => void> {
    const frame = topic === null ? versionsRequest() : produceOf(topic);
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    await once(socket, "connect");
    const heads = new FrameHeads(LENGTH_BYTES, () => {
      this.#latencies.push(nowMs() - (startMs + this.#answered * PERIOD_MS));
      this.#answered += 1;
    });
    socket.on("data", (chunk: Buffer) => heads.take(chunk));
    return () => socket.write(frame);
  }

  take() {
    const taken = Float64Array.from(this.#latencies);
    this.#latencies = [];
    return resultOf(taken);
  }
}

function versionsRequest(): Buffer {
  const body = { clientSoftwareName: "bench", clientSoftwareVersion: "1" };
  const header = { correlationId: 1, clientId: "bench" };
  return Buffer.concat(encodeRequest(ApiVersions, 3, header, body));
}

function produceOf(topic: string): Buffer {
  return produceRequest(topic, 0, batchOf(1024, 1).batch, 1);
}

const watched = JSON.parse(process.argv[2]!) as readonly Watched[];
const startMs = nowMs() + LEAD_MS;
const lanes = watched.map(({ name }) => new Lane(name));
const sends = await Promise.all(watched.map((one, i) => lanes[i]!.open(one, startMs)));
const pace: Pace = { startMs, periodMs: PERIOD_MS, count: FOR_EVER };
const pacer = new Worker(new URL("../load/pacer.js", import.meta.url), { workerData: pace });
pacer.on("message", () => {
  for (const send of sends) send();
});
for await (const line of createInterface({ input: process.stdin })) {
  const results = lanes.map((lane) => ({ lane: lane.name, ...lane.take() }));
  console.log(JSON.stringify({ phase: line, results }));
}
process.exit(0);
