// Reads, transforms and writes in transactions: each record counts once, even after an abort.
import { Admin, Client, Consumer, GroupConsumer, TransactionalProducer } from "@tarpan/client";

const client = new Client({ bootstrap: process.env.BOOTSTRAP ?? "localhost:9092" });
const [topic, shouts] = [`example-source-${Date.now()}`, `example-shouts-${Date.now()}`];
const admin = new Admin(client);
for (const name of [topic, shouts]) await admin.createTopic({ name, partitions: 1 });

const producer = new TransactionalProducer(client, { transactionalId: `${topic}-id` });
await producer.begin();
for (const value of ["a", "b", "c"]) producer.send({ topic, value });
await producer.commit(); // waits for the records

const groupId = `${topic}-group`;
const isolationLevel = "read_committed"; // no records of aborted or open transactions
const consumer = new GroupConsumer(client, {
  ...{ groupId, isolationLevel, autoOffsetReset: "earliest", autoCommit: false },
});
await consumer.subscribe([topic]);
let failOnce = true;
for await (const { partition, offset, value } of consumer) {
  await producer.begin();
  producer.send({ topic: shouts, value: `${value}`.toUpperCase() });
  await producer.sendOffsets(consumer, [{ topic, partition, offset: offset + 1 }]);
  if (`${value}` === "b" && failOnce) {
    failOnce = false;
    await producer.abort(); // neither the record nor the offset counts
    await consumer.seek(topic, partition, offset);
    continue;
  }
  await producer.commit();
  if (`${value}` === "c") break;
}
await consumer.close();

const reader = new Consumer(client, { isolationLevel });
await reader.assign([{ topic: shouts, partition: 0, offset: "earliest" }]);
for await (const { value } of reader) {
  console.log(`${value}`); // A, B, C
  if (`${value}` === "C") break;
}
reader.close();

await producer.close();
for (const name of [topic, shouts]) await admin.deleteTopic(name);
await client.close();
