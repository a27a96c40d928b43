// Reads a partition from an offset on.
import { Admin, Client, Consumer, Producer } from "@tarpan/client";

const client = new Client({ bootstrap: process.env.BOOTSTRAP ?? "localhost:9092" });
const topic = `example-fetch-${Date.now()}`;
const admin = new Admin(client);
await admin.createTopic({ name: topic, partitions: 1 });
const producer = new Producer(client);
await producer.sendBatch(Array.from({ length: 12 }, (_, n) => ({ topic, value: `Message ${n}` })));

const consumer = new Consumer(client, { maxBytes: 1024 * 1024 });
await consumer.assign([{ topic, partition: 0, offset: 0 }]);
const [record] = await consumer.poll();
console.log(`offset ${record?.offset}: ${record?.value}`);

// Also "earliest", "latest", and a time: { timestampMs }.
await consumer.seek(topic, 0, 10);
for (const { offset, value } of await consumer.poll()) console.log(`offset ${offset}: ${value}`);
console.log(`next: ${consumer.position(topic, 0)}`);

consumer.close();
await producer.close();
await admin.deleteTopic(topic);
await client.close();
