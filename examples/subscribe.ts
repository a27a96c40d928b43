// Handles each record of a partition as it comes, without a group.
import { Admin, Client, type ConsumedRecord, Consumer, Producer } from "@tarpan/client";

const client = new Client({ bootstrap: process.env.BOOTSTRAP ?? "localhost:9092" });
const topic = `example-subscribe-${Date.now()}`;
const admin = new Admin(client);
await admin.createTopic({ name: topic, partitions: 1 });
const producer = new Producer(client);
await producer.sendBatch(["one", "two", "end"].map((value) => ({ topic, value })));

function handle({ value, offset }: ConsumedRecord): boolean {
  console.log(`handled ${value}, offset ${offset}`);
  return `${value}` === "end";
}

const consumer = new Consumer(client);
await consumer.assign([{ topic, partition: 0, offset: "earliest" }]);
// Goes on until the consumer is closed; an error ends it.
for await (const record of consumer) if (handle(record)) consumer.close();

await producer.close();
await admin.deleteTopic(topic);
await client.close();
