// Records with the same order key go to one partition, in the order in which they are sent.
import { Admin, Client, OrderedProducer, type ProducerRecord } from "@tarpan/client";

const client = new Client({ bootstrap: process.env.BOOTSTRAP ?? "localhost:9092" });
const topic = `example-order-keys-${Date.now()}`;
const admin = new Admin(client);
await admin.createTopic({ name: topic, partitions: 3 });

interface OrderedMessage {
  readonly orderKey: string;
  readonly record: ProducerRecord;
}

const messages: readonly OrderedMessage[] = [
  { orderKey: "user-123", record: { topic, value: "User login" } },
  { orderKey: "user-123", record: { topic, value: "User purchase" } },
];

const producer = new OrderedProducer(client);
for (const { orderKey, record } of messages) {
  const { offset } = await producer.send(orderKey, record);
  console.log(`${record.value} at offset ${offset}`);
}

await producer.close();
await admin.deleteTopic(topic);
await client.close();
