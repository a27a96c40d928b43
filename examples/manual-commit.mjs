// Commits records only after they were processed: at least once, even after a crash.
import { Admin, Client, GroupConsumer, Producer } from "@tarpan/client";

const client = new Client({ bootstrap: process.env.BOOTSTRAP ?? "localhost:9092" });
const topic = `example-manual-${Date.now()}`;
const admin = new Admin(client);
await admin.createTopic({ name: topic, partitions: 1 });
const producer = new Producer(client);
await producer.sendBatch(["a", "b", "c", "d"].map((value) => ({ topic, value })));

const groupId = `${topic}-group`;
const options = { groupId, autoOffsetReset: "earliest", autoCommit: false };

// The first consumer stops in the middle, after it has processed "a" and "b".
const first = new GroupConsumer(client, options);
await first.subscribe([topic]);
for await (const record of first) {
  const value = `${record.value}`;
  if (value === "c") break;
  console.log(`first: ${value}`);
  const { partition, offset } = record;
  await first.commit([{ topic, partition, offset: offset + 1, metadata: `done with ${value}` }]);
}
await first.close();
console.log("committed:", await admin.groupOffsets(groupId));

// So the second consumer begins with "c".
const second = new GroupConsumer(client, options);
await second.subscribe([topic]);
for await (const record of second) {
  const value = `${record.value}`;
  console.log(`second: ${value}`);
  if (value === "d") break;
}
await second.commit(); // all records that it returned
await second.close();

await admin.deleteGroups([groupId]);
await admin.deleteTopic(topic);
await producer.close();
await client.close();
