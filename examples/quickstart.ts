// Creates a topic, sends a record, and reads it.
import { Admin, Client, Consumer, Producer } from "@tarpan/client";

// The same for one broker and for a cluster: one address that answers is enough.
const client = new Client({
  bootstrap: (process.env.BOOTSTRAP ?? "localhost:9092").split(","),
  timeoutMs: 5_000,
});
const topic = `example-quickstart-${Date.now()}`;

const admin = new Admin(client);
const created = await admin.createTopic({ name: topic, partitions: 3, replicas: 1 });
console.log(`created ${created.name} with ${created.partitions} partitions`);

const producer = new Producer(client);
const sent = await producer.send({ topic, partition: 0, value: "Hello, Tarpan!" });
console.log(`sent at offset ${sent.offset}`);

const consumer = new Consumer(client);
await consumer.assign([{ topic, partition: 0, offset: 0 }]);
for (const record of await consumer.poll()) console.log(`received ${record.value}`);

consumer.close();
await producer.close();
await admin.deleteTopic(topic);
await client.close();
