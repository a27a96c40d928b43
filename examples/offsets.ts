// Commits an offset with a note, and asks what is committed.
import { Admin, Client, GroupConsumer, Producer } from "@tarpan/client";

const client = new Client({ bootstrap: process.env.BOOTSTRAP ?? "localhost:9092" });
const topic = `example-offsets-${Date.now()}`;
const admin = new Admin(client);
await admin.createTopic({ name: topic, partitions: 1 });
const producer = new Producer(client);
await producer.send({ topic, value: "order 1" });

const groupId = `${topic}-group`;
const consumer = new GroupConsumer(client, {
  groupId,
  autoOffsetReset: "earliest",
  autoCommit: false,
});
await consumer.subscribe([topic]);
while ((await consumer.poll()).length === 0);
await consumer.commit([{ topic, partition: 0, offset: 1, metadata: "processed successfully" }]);

const [committed] = await admin.groupOffsets(groupId);
console.log(`committed ${committed?.offset}: ${committed?.metadata}`);

await consumer.close();
await producer.close();
await admin.deleteGroups([groupId]);
await admin.deleteTopic(topic);
await client.close();
