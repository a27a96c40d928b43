// Subscribes to topics and polls; what was polled is committed automatically.
import { Admin, Client, GroupConsumer, Producer } from "@tarpan/client";

const client = new Client({ bootstrap: process.env.BOOTSTRAP ?? "localhost:9092" });
const topics = [`example-poll-${Date.now()}`, `example-poll-another-${Date.now()}`];
const admin = new Admin(client);
const producer = new Producer(client);
for (const topic of topics) {
  await admin.createTopic({ name: topic, partitions: 1 });
  await producer.send({ topic, value: `hello from ${topics.indexOf(topic)}` });
}

const groupId = `${topics[0]}-group`;
const consumer = new GroupConsumer(client, { groupId, autoOffsetReset: "earliest" });
await consumer.subscribe(topics);
const received = new Set<string>();
while (received.size < topics.length) {
  // Errors that pass are retried inside.
  for (const { value } of await consumer.poll(1_000)) received.add(`${value}`);
}
console.log([...received].sort().join(", "));
await consumer.close();

await producer.close();
await admin.deleteGroups([groupId]);
for (const topic of topics) await admin.deleteTopic(topic);
await client.close();
