// Handles the records of a topic, and dies of the poisoned one: see poison-record.test.ts.
import { Client, GroupConsumer } from "@tarpan/client";

const { BOOTSTRAP, TOPIC, CONCURRENCY, LAST } = process.env;
const client = new Client({ bootstrap: BOOTSTRAP });
const consumer = new GroupConsumer(client, {
  groupId: `${TOPIC}-group`,
  // So that its next process gets the partition at once.
  groupInstanceId: "reader",
  autoOffsetReset: "earliest",
  autoCommitIntervalMs: 50,
});
await consumer.subscribe([TOPIC]);
const ending = new AbortController();
await consumer.run({
  concurrency: Number(CONCURRENCY),
  retry: { maxRetries: 1 },
  deadLetter: {},
  signal: ending.signal,
  eachRecord: async ({ value }, { attempt }) => {
    await new Promise(setImmediate);
    if (`${value}` === "poison") process.kill(process.pid, "SIGKILL");
    console.log(`${value}#${attempt}`);
    if (`${value}` === LAST) ending.abort();
  },
});
await client.close();
