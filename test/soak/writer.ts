// A process that writes to all topics of a soak until it is asked to stop (SIGTERM).
import { Client, Producer, type ProducerRecord } from "@tarpan/client";
import { SeededRandom } from "../harness/random.ts";
import { place, type Seen, tell, textOf } from "./events.ts";
import { type SoakTopic, TOPICS } from "./topics.ts";

const RECORDS_PER_BATCH = 100;
const VALUE_BYTES = 500;
const MOST_UNSETTLED_BATCHES = 20;
const DELETIONS_ONE_IN = 10;
const REPEATS_ONE_IN = 10;

const [bootstrap, seed, bytesPerSecond] = process.argv.slice(2) as [string, string, string];
const random = new SeededRandom(Number(seed));
const client = new Client({ bootstrap, clientId: "soak-writer" });
const producer = new Producer(client);
const sent = new Map<string, number>();
let stopped = false;
let unsettled = 0;
process.once("SIGTERM", () => {
  stopped = true;
});

const places = TOPICS.flatMap((topic) =>
  Array.from({ length: topic.partitions }, (_, partition) => ({ topic, partition })),
);
const intervalMs = (RECORDS_PER_BATCH * VALUE_BYTES * 1000) / Number(bytesPerSecond);
let dueMs = performance.now();
while (!stopped) {
  // What could not be sent while the broker was down is not made up for.
  dueMs = Math.max(dueMs + intervalMs, performance.now() - intervalMs);
  await new Promise((resolve) => setTimeout(resolve, dueMs - performance.now()));
  const { topic, partition } = random.pick(places);
  if (unsettled < MOST_UNSETTLED_BATCHES) sendBatch(topic, partition);
}
await producer.close();
await client.close();
tell({ event: "stopped" });

function sendBatch(topic: SoakTopic, partition: number): void {
  const at = place(topic.name, partition);
  const first = sent.get(at) ?? 0;
  sent.set(at, first + RECORDS_PER_BATCH);
  const records: ProducerRecord[] = [];
  const seen: [number, string | null, 0 | 1][] = [];
  for (let number = first; number < first + RECORDS_PER_BATCH; number++) {
    const key = topic.keys === 0 ? null : keyOf(topic, partition);
    const deletes = key !== null && random.chance(DELETIONS_ONE_IN);
    records.push(recordOf(topic, partition, number, key, deletes));
    seen.push([number, key, deletes ? 1 : 0]);
  }
  unsettled++;
  producer.sendBatch(records).then(
    (stored) => {
      unsettled--;
      const told = seen.map((each, index): Seen => {
        return [each[0], stored[index]!.offset, each[1], each[2]];
      });
      tell({ event: "acknowledged", at, records: told });
    },
    (error: Error) => {
      unsettled--;
      tell({ event: "unknown", at, numbers: seen.map(([number]) => number) });
      tell({ event: "failed", at, error: error.message });
    },
  );
  if (topic.repeats && random.chance(REPEATS_ONE_IN)) repeat(at, records);
}

/** Sends the records once more, as an application that does not know whether it has sent them. */
function repeat(at: string, records: readonly ProducerRecord[]): void {
  producer
    .sendBatch(records)
    .catch((error: Error) => tell({ event: "failed", at, error: error.message }));
}

function keyOf({ keys, partitions }: SoakTopic, partition: number): string {
  return `key-${random.below(keys / partitions) * partitions + partition}`;
}

function recordOf(
  { name: topic, repeats }: SoakTopic,
  partition: number,
  number: number,
  key: string | null,
  deletes: boolean,
): ProducerRecord {
  const headers = [{ key: "number", value: String(number) }];
  if (repeats) headers.push({ key: "tarpan-message-id", value: `${partition}-${number}` });
  const value = deletes ? null : textOf(number, key).padEnd(VALUE_BYTES, ".");
  return { topic, partition, key, value, headers };
}
