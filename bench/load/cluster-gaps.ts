// Measures how long partitions accept no records when a broker or its engine dies. The client asks
// for the leaders again whenever one refuses, closes or can't be reached. Prints a line once all
// partitions have accepted a record.

import { Connection } from "../connection.ts";
import { batchOf, produceErrorAt, produceRequest } from "../frames.ts";
import { measureGaps } from "./gaps.ts";
import { type Leader, leadersNow } from "./partition-leaders.ts";

export interface ClusterGapsJob {
  /** The ports of all brokers. */
  readonly ports: readonly number[];
  readonly topic: string;
  readonly partitions: number;
  readonly measureMs: number;
}

const job = JSON.parse(process.argv[2]!) as ClusterGapsJob;
const { batch } = batchOf(1024, 1);
const errorAt = produceErrorAt(job.topic);
const frames = Array.from({ length: job.partitions }, (_, partition) =>
  produceRequest(job.topic, partition, batch, partition),
);
const connections: (Connection | null)[] = Array(job.partitions).fill(null);
let leaders: readonly (Leader | null)[] = [];
let asking: Promise<void> | null = null;
let asked = 0;

/** One connection per partition: a partition without an answer must not delay the others. */
async function attempt(partition: number): Promise<boolean> {
  try {
    const leader = leaders[partition];
    if (leader == null) throw new Error("no leader");
    connections[partition] ??= await Connection.open(leader.port);
    const answer = await connections[partition].exchange(frames[partition]!);
    if (answer.readInt16BE(errorAt) === 0) return true;
  } catch {
    // The leader is gone: another broker is asked below.
  }
  connections[partition]?.close();
  connections[partition] = null;
  asking ??= askLeaders().finally(() => {
    asking = null;
  });
  await asking;
  return false;
}

/** Asks another broker each time: without its engine, a broker may not know the new leaders. */
async function askLeaders(): Promise<void> {
  for (let i = 0; i < job.ports.length; i++) {
    const port = job.ports[asked++ % job.ports.length]!;
    let connection: Connection | null = null;
    try {
      connection = await Connection.open(port);
      leaders = await leadersNow(connection, job.topic);
      return;
    } catch {
      // The next broker is asked.
    } finally {
      connection?.close();
    }
  }
}

const whenAcked = () => console.log("producing");
const result = await measureGaps(job.partitions, job.measureMs, attempt, whenAcked);
console.log(JSON.stringify(result));
process.exit(0);
