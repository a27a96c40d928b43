// Sends one record to a partition of choice.
import { Admin, Client, Producer, type ProducerRecord } from "@tarpan/client";

const client = new Client({ bootstrap: process.env.BOOTSTRAP ?? "localhost:9092" });
const topic = `example-produce-${Date.now()}`;
const admin = new Admin(client);
await admin.createTopic({ name: topic, partitions: 2 });

const producer = new Producer(client);
const record: ProducerRecord = { topic, partition: 1, value: "Hello, Tarpan!" };
try {
  const sent = await producer.send(record);
  console.log(`sent to partition ${sent.partition} at offset ${sent.offset}`);
} catch (error) {
  // It was tried for `deliveryTimeoutMs`.
  console.error("not sent:", error);
}

await producer.close();
await admin.deleteTopic(topic);
await client.close();
