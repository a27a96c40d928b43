// The produce load of a cluster, directly to JetStream: the same batches, with the same number in
// flight.

import { batchOf } from "../frames.ts";
import type { Stream } from "../targets/nats.ts";
import { type LoadResult, measure } from "./measure.ts";
import { StreamPublisher } from "./stream-publisher.ts";

export interface StreamProduceJob {
  readonly streams: readonly Stream[];
  /** Batches in flight, over all streams. */
  readonly window: number;
  readonly recordBytes: number;
  readonly batchBytes: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

const job = JSON.parse(process.argv[2]!) as StreamProduceJob;
const { batch, records } = batchOf(job.recordBytes, job.batchBytes);
let acknowledged = 0;
let sent = 0;

// Connected to each stream's leader, as Kafka's clients are to each partition's.
const publishers = new Map<string, StreamPublisher>();
for (const { url } of job.streams)
  if (!publishers.has(url)) publishers.set(url, await StreamPublisher.connect([url], onAck));

function onAck(_token: number, problem: string | null): void {
  if (problem !== null) throw new Error(`JetStream: ${problem}`);
  acknowledged += 1;
  send();
}

function send(): void {
  const { subject, url } = job.streams[sent % job.streams.length]!;
  publishers.get(url)!.publish(subject, batch, sent++);
}

for (let i = 0; i < job.window; i++) send();
const result: LoadResult = await measure(job, () => ({
  requests: acknowledged,
  sizeBytes: acknowledged * batch.length,
  records: acknowledged * records,
}));
console.log(JSON.stringify(result));
process.exit(0);
