// Delayed messages: delivered later, replaced, cancelled.
import { Admin, Client, Consumer, DelayedProducer } from "@tarpan/client";

const client = new Client({ bootstrap: process.env.BOOTSTRAP ?? "localhost:9092" });
const topic = `example-reminders-${Date.now()}`;
const admin = new Admin(client);
await admin.createTopic({ name: topic, partitions: 1 });

const producer = new DelayedProducer(client);
const id = await producer.send({ topic, key: "ann", value: "pay" }, { delayMs: 60_000 });
await producer.send({ topic, key: "ann", value: "pay now" }, { level: 9, id }); // in 5 minutes
await producer.cancel(id);
const deliverAt = Date.now() + 1_000;
await producer.send({ topic, key: "bob", value: "wake up" }, { deliverAt });
await producer.close();

const consumer = new Consumer(client);
await consumer.assign([{ topic, partition: 0, offset: "earliest" }]);
let records = [];
while (records.length === 0) records = await consumer.poll();
for (const { key, value } of records) console.log(`${key}: ${value}`);
console.log(Date.now() < deliverAt ? "too early" : "on time");
consumer.close();
await admin.deleteTopic(topic);
await client.close();
