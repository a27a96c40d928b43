// A group's lag from the client, over HTTP and in the metrics. Then resets the group to the start.
import { Admin, Client, GroupConsumer, Producer } from "@tarpan/client";

const bootstrap = process.env.BOOTSTRAP ?? "localhost:9092";
const client = new Client({ bootstrap });
const topic = `example-lag-${Date.now()}`;
const groupId = `${topic}-group`;
const admin = new Admin(client);
await admin.createTopic({ name: topic, partitions: 1 });
const producer = new Producer(client);
const send = (count) => producer.sendBatch(Array(count).fill({ topic, value: "v" }));

await send(3);
const consumer = new GroupConsumer(client, { groupId, autoOffsetReset: "earliest" });
await consumer.subscribe([topic]);
for (let read = 0; read < 3; ) read += (await consumer.poll()).length;
await consumer.close();
await send(7);

for (const { partition, committed, end, lag } of await admin.groupLag(groupId))
  console.log(`partition ${partition}: ${committed} of ${end}, ${lag} to go`);

const group = await (await fetch(`http://${bootstrap}/api/v1/groups/${groupId}`)).json();
console.log("over HTTP:", group.offsets);

const metrics = await (await fetch(`http://${bootstrap}/metrics`)).text();
console.log(
  metrics.split("\n").find((line) => line.startsWith("tarpan_group_lag{") && line.includes(topic)),
);

// The group has no members now, so its offsets can be set manually.
await admin.alterGroupOffsets(groupId, [{ topic, partition: 0, offset: 0 }]);
const [{ lag }] = await admin.groupLag(groupId);
console.log(`from the start: ${lag} to go`);

await admin.deleteGroups([groupId]);
await admin.deleteTopic(topic);
await producer.close();
await client.close();
