// Retries with growing delays; what fails each time goes to the dead-letter topic, with the reason.
import {
  Admin,
  Client,
  DeadLetters,
  GroupConsumer,
  Producer,
  type RetryPolicy,
} from "@tarpan/client";

const client = new Client({ bootstrap: process.env.BOOTSTRAP ?? "localhost:9092" });
const topic = `example-failing-${Date.now()}`;
const admin = new Admin(client);
await admin.createTopic({ name: topic, partitions: 1 });
const producer = new Producer(client);
await producer.send({ topic, value: "Failed order message" });

const retry: RetryPolicy = {
  maxRetries: 3,
  initialDelayMs: 20, // in earnest: 2_000
  backoffFactor: 2,
  maxDelayMs: 30_000,
};
const groupId = `${topic}-processor`;
const consumer = new GroupConsumer(client, { groupId, autoOffsetReset: "earliest" });
await consumer.subscribe([topic]);
const ending = new AbortController();
await consumer.run({
  retry,
  deadLetter: { suffix: ".dlq" },
  signal: ending.signal,
  eachRecord: (_record, { attempt }) => {
    if (attempt > retry.maxRetries) ending.abort();
    throw new Error("Database connection timeout");
  },
});

const letters = new DeadLetters(client, `${topic}.dlq`);
for (const { value, group, attempts, message } of await letters.list())
  console.log(`${value}: ${attempts} attempts by ${group === groupId}: ${message}`);
console.log((await letters.statistics()).byReason);

await producer.close();
await admin.deleteGroups([groupId]);
for (const name of [topic, letters.topic]) await admin.deleteTopic(name);
await client.close();
