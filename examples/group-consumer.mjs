// Two consumers share a topic's partitions as members of one group, and commit automatically.
import { Admin, Client, GroupConsumer, Producer } from "@tarpan/client";

const client = new Client({ bootstrap: process.env.BOOTSTRAP ?? "localhost:9092" });
const topic = "example-orders";
await new Admin(client).createTopic({ name: topic, partitions: 4 }).catch(ignoreExisting);

const count = 20;
let read = 0;

async function work(name) {
  const consumer = new GroupConsumer(client, {
    groupId: "example-group",
    autoOffsetReset: "earliest",
    onAssigned: (partitions) =>
      console.log(`${name} reads ${partitions.map(({ partition }) => partition)}`),
  });
  await consumer.subscribe([topic]);
  while (read < count) {
    // The next poll() tells the consumer that these records were processed and may be committed.
    for (const record of await consumer.poll()) {
      read++;
      console.log(`${name} got ${record.partition}@${record.offset} ${record.value}`);
    }
  }
  await consumer.close(); // commits, and leaves the group
}

const records = Array.from({ length: count }, (_, i) => ({
  topic,
  key: `k${i}`,
  value: `order ${i}`,
}));
const producer = new Producer(client);
await producer.sendBatch(records);
await Promise.all([work("first"), work("second")]);
await producer.close();
await client.close();

function ignoreExisting(error) {
  if (error.code !== "TARPAN_KAFKA_TOPIC_ALREADY_EXISTS") throw error;
}
