// The produce load for a cluster: like that for one broker, but each request goes to the leader of
// its partition, and the window is shared by all brokers.

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { batchOf, produceErrorAt, produceRequest } from "../frames.ts";
import { FrameHeads } from "./frame-heads.ts";
import { type LoadResult, measure } from "./measure.ts";
import { partitionLeaders } from "./partition-leaders.ts";
import type { ProduceJob } from "./produce.ts";

/** `window` is the number of batches in flight to all brokers together. */
export type ClusterProduceJob = Omit<ProduceJob, "connections">;

const job = JSON.parse(process.argv[2]!) as ClusterProduceJob;
const { batch, records } = batchOf(job.recordBytes, job.batchBytes);
const errorAt = produceErrorAt(job.topic);
const leaders = await partitionLeaders(job.port, job.topic, job.partitions);
const frames = leaders.map((_, partition) => produceRequest(job.topic, partition, batch, 0));
const sockets = new Map<number, Socket>();
let acknowledged = 0;
let sent = 0;
let stopped = false;

for (const { port } of leaders) {
  if (sockets.has(port)) continue;
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  await once(socket, "connect");
  sockets.set(port, socket);
  const heads = new FrameHeads(errorAt + 2, onAnswer);
  socket.on("data", (chunk: Buffer) => heads.take(chunk));
  socket.on("close", () => {
    if (!stopped) throw new Error("the connection was closed");
  });
}

function onAnswer(head: Buffer): void {
  const errorCode = head.readInt16BE(errorAt);
  if (errorCode !== 0) throw new Error(`Produce was answered with error ${errorCode}`);
  acknowledged += 1;
  send();
}

function send(): void {
  const partition = sent++ % frames.length;
  sockets.get(leaders[partition]!.port)!.write(frames[partition]!);
}

for (let i = 0; i < job.window; i++) send();
const result: LoadResult = await measure(job, () => ({
  requests: acknowledged,
  sizeBytes: acknowledged * batch.length,
  records: acknowledged * records,
}));
stopped = true;
for (const socket of sockets.values()) socket.destroy();
console.log(JSON.stringify(result));
