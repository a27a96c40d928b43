// Sends several records at once.
import { Admin, Client, Producer, type ProducerRecord } from "@tarpan/client";

const client = new Client({ bootstrap: process.env.BOOTSTRAP ?? "localhost:9092" });
const topic = `example-batch-${Date.now()}`;
const admin = new Admin(client);
await admin.createTopic({ name: topic, partitions: 1 });

const producer = new Producer(client);
const records: ProducerRecord[] = [
  { topic, partition: 0, value: "Message 1" },
  { topic, partition: 0, value: "Message 2" },
  { topic, partition: 0, value: "Message 3" },
];
const sent = await producer.sendBatch(records);
console.log(`sent at offsets ${sent[0]?.offset} to ${sent.at(-1)?.offset}`);

await producer.close();
await admin.deleteTopic(topic);
await client.close();
