// A member of a consumer group that commits each record once it is handled.
import { Admin, Client, GroupConsumer, Producer } from "@tarpan/client";

const client = new Client({
  bootstrap: (process.env.BOOTSTRAP ?? "localhost:9092").split(","),
  timeoutMs: 10_000,
});
const topic = `example-group-${Date.now()}`;
const admin = new Admin(client);
await admin.createTopic({ name: topic, partitions: 1 });
const producer = new Producer(client);
await producer.sendBatch(["a", "b", "c"].map((value) => ({ topic, value })));

const groupId = `${topic}-group`;
const consumer = new GroupConsumer(client, {
  groupId,
  groupInstanceId: "consumer-1",
  sessionTimeoutMs: 30_000,
  autoOffsetReset: "earliest",
  autoCommit: false,
});
await consumer.subscribe([topic]);

// The first poll joins the group, and heartbeats go on by themselves from then on.
for (let handled = 0; handled < 3; ) {
  const records = await consumer.poll(1_000);
  if (handled === 0 && records.length > 0)
    console.log("assigned", consumer.assignment.map(({ partition }) => partition).join());
  for (const { topic, partition, offset, value } of records) {
    console.log(`consumed ${value}`);
    handled++;
    try {
      await consumer.commit([{ topic, partition, offset: offset + 1 }]);
    } catch (error) {
      // The group has rebalanced: the partition's next owner reads the record again.
      console.error("not committed:", error);
    }
  }
}
await consumer.close({ leave: true });

const { state } = await admin.describeGroup(groupId);
console.log(`the group is ${state}`);
await producer.close();
await admin.deleteGroups([groupId]);
await admin.deleteTopic(topic);
await client.close();
