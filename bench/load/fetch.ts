// A fetch load, in its own process: requests for a cycle of offsets, encoded beforehand, with a
// fixed number in flight. Records are received into one buffer and not decoded.

import { connect, type Socket } from "node:net";
import { fetchErrorAt, fetchRequest, LENGTH_BYTES, RESPONSE_ID_AT } from "../frames.ts";
import { FrameHeads } from "./frame-heads.ts";
import { measure } from "./measure.ts";

export interface FetchJob {
  readonly port: number;
  readonly topic: string;
  readonly window: number;
  readonly maxBytes: number;
  /** A response with fewer bytes is an error. */
  readonly leastBytes: number;
  /** The first offset of the cycle, and the distance between two. */
  readonly offset: number;
  readonly offsetStep: number;
  readonly steps: number;
  readonly recordsPerByte: number;
  /** Only records of committed transactions. */
  readonly committed?: boolean;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

const RECEIVE_BYTES = 1024 * 1024;

const job = JSON.parse(process.argv[2]!) as FetchJob;
const errorAt = fetchErrorAt(job.topic);
const requests = Array.from({ length: job.steps }, (_, i) =>
  fetchRequest(job.topic, job.offset + i * job.offsetStep, job.maxBytes, i, job.committed),
);
let answered = 0;
let receivedBytes = 0;
let sent = 0;

const heads = new FrameHeads(errorAt + 2, (head) => {
  const errorCode = head.readInt16BE(errorAt);
  if (errorCode !== 0) throw new Error(`Fetch was answered with error ${errorCode}`);
  if (head.readInt32BE(RESPONSE_ID_AT) !== answered % job.steps)
    throw new Error("answers are out of order");
  const sizeBytes = head.readInt32BE(0);
  if (sizeBytes < job.leastBytes) throw new Error(`Fetch was answered with ${sizeBytes} bytes`);
  answered += 1;
  send();
});

const socket: Socket = connect({
  host: "127.0.0.1",
  port: job.port,
  noDelay: true,
  onread: {
    buffer: Buffer.alloc(RECEIVE_BYTES),
    callback: (count, buffer) => {
      receivedBytes += count;
      heads.take((buffer as Buffer).subarray(0, count));
      return true;
    },
  },
});
socket.on("connect", () => {
  for (let i = 0; i < job.window; i++) send();
});
socket.on("end", () => {
  throw new Error("the connection was closed");
});

function send(): void {
  socket.write(requests[sent++ % job.steps]!);
}

const result = await measure(job, () => ({
  requests: answered,
  sizeBytes: receivedBytes - answered * LENGTH_BYTES,
  records: receivedBytes * job.recordsPerByte,
}));
socket.destroy();
console.log(JSON.stringify(result));
