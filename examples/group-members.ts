// Three members of one group share its partitions.
import { Admin, Client, GroupConsumer } from "@tarpan/client";

const client = new Client({ bootstrap: process.env.BOOTSTRAP ?? "localhost:9092" });
const topic = `example-members-${Date.now()}`;
const admin = new Admin(client);
await admin.createTopic({ name: topic, partitions: 6 });

const groupId = `${topic}-group`;
const consumers = ["consumer-1", "consumer-2", "consumer-3"].map(
  (groupInstanceId) => new GroupConsumer(client, { groupId, groupInstanceId }),
);
for (const consumer of consumers) await consumer.subscribe([topic]);

const isShared = () => consumers.every(({ assignment }) => assignment.length === 2);
// Each joins with its first poll, and takes part in rebalances while it polls.
while (!isShared()) await Promise.all(consumers.map((consumer) => consumer.poll(100)));
for (const { assignment } of consumers) console.log(`reads ${assignment.length} partitions`);

for (const consumer of consumers) await consumer.close({ leave: true });
await admin.deleteGroups([groupId]);
await admin.deleteTopic(topic);
await client.close();
