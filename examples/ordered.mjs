// Records with the same order key stay in order, through retries too; other keys do not wait.
import { Admin, Client, GroupConsumer, OrderedProducer } from "@tarpan/client";

const client = new Client({ bootstrap: process.env.BOOTSTRAP ?? "localhost:9092" });
const topic = `example-ordered-${Date.now()}`;
const admin = new Admin(client);
await admin.createTopic({ name: topic, partitions: 1 });

const producer = new OrderedProducer(client);
for (const step of ["created", "paid", "sent"])
  for (const order of ["order-1", "order-2"]) await producer.send(order, { topic, value: step });

const ending = new AbortController();
const groupId = `${topic}-group`;
const consumer = new GroupConsumer(client, { groupId, autoOffsetReset: "earliest" });
await consumer.subscribe([topic]);
let left = 6;
await consumer.run({
  concurrency: 10,
  retry: { maxRetries: 3, initialDelayMs: 100 },
  signal: ending.signal,
  eachRecord: async ({ key, value }, { attempt }) => {
    // The first order is stuck for a while: only its own records wait.
    if (`${key} ${value}` === "order-1 created" && attempt < 3) throw new Error("not yet");
    console.log(`${key} ${value}`);
    if (--left === 0) ending.abort();
  },
});

await admin.deleteGroups([groupId]);
await admin.deleteTopic(topic);
await producer.close();
await client.close();
