// Handles records by key with retries; what still fails becomes a dead letter, and is redriven.
import { Admin, Client, DeadLetters, GroupConsumer, Producer } from "@tarpan/client";

const client = new Client({ bootstrap: process.env.BOOTSTRAP ?? "localhost:9092" });
const topic = `example-orders-${Date.now()}`;
const admin = new Admin(client);
await admin.createTopic({ name: topic, partitions: 2 });
const producer = new Producer(client);
const orders = ["ann:1", "bob:poison", "ann:2", "bob:3"];
for (const order of orders) await producer.send({ topic, key: order.slice(0, 3), value: order });

const groupId = `${topic}-group`;
let fixed = false;

/** Handles records until `count` have succeeded. */
async function handle(count) {
  const ending = new AbortController();
  const consumer = new GroupConsumer(client, { groupId, autoOffsetReset: "earliest" });
  await consumer.subscribe([topic]);
  await consumer.run({
    concurrency: 10, // records of one key still come one after another
    retry: { maxRetries: 2, initialDelayMs: 10 },
    deadLetter: {}, // in TOPIC.dlq
    signal: ending.signal,
    eachRecord: async ({ value }, { attempt }) => {
      if (`${value}` === "bob:poison" && !fixed) throw new Error(`can't read attempt ${attempt}`);
      console.log(`handled ${value}`);
      if (--count === 0) ending.abort();
    },
  });
}

await handle(3);
const letters = new DeadLetters(client, `${topic}.dlq`);
for (const { value, attempts, message } of await letters.list())
  console.log(`dead: ${value} after ${attempts} attempts: ${message}`);

fixed = true;
console.log(await letters.redrive({ group: groupId })); // each letter once, however often
console.log(await letters.redrive({ group: groupId }));
await handle(1);

await letters.purge();
await admin.deleteGroups([groupId]);
for (const name of [topic, letters.topic]) await admin.deleteTopic(name);
await producer.close();
await client.close();
