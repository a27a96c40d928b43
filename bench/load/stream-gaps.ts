// Measures how long JetStream's streams accept no messages. Prints a line once all have accepted
// one.

import { batchOf } from "../frames.ts";
import { measureGaps } from "./gaps.ts";
import { StreamPublisher } from "./stream-publisher.ts";

export interface StreamGapsJob {
  /** Servers that are not killed. */
  readonly servers: readonly string[];
  readonly subjects: readonly string[];
  readonly measureMs: number;
}

/** A publish to a dead leader is never answered; it is sent again after this time. */
const ATTEMPT_LIMIT_MS = 250;

const job = JSON.parse(process.argv[2]!) as StreamGapsJob;
const { batch } = batchOf(1024, 1);
const waiting = new Map<number, (acknowledged: boolean) => void>();
let tokens = 0;

const publisher = await StreamPublisher.connect(job.servers, (token, problem) => {
  waiting.get(token)?.(problem === null);
});

function attempt(partition: number): Promise<boolean> {
  const token = tokens++;
  return new Promise((resolve) => {
    const timer = setTimeout(() => end(false), ATTEMPT_LIMIT_MS);
    const end = (acknowledged: boolean) => {
      clearTimeout(timer);
      waiting.delete(token);
      resolve(acknowledged);
    };
    waiting.set(token, end);
    publisher.publish(job.subjects[partition]!, batch, token);
  });
}

const whenAcked = () => console.log("producing");
const result = await measureGaps(job.subjects.length, job.measureMs, attempt, whenAcked);
console.log(JSON.stringify(result));
process.exit(0);
