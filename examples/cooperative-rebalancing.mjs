// A member joins: consumption stops only for the partitions that move (KIP-429).
import { Admin, Client, GroupConsumer } from "@tarpan/client";

const client = new Client({ bootstrap: process.env.BOOTSTRAP ?? "localhost:9092" });
const topic = `example-cooperative-${Date.now()}`;
const admin = new Admin(client);
await admin.createTopic({ name: topic, partitions: 6 });

async function member(name) {
  const list = (partitions) => partitions.map(({ partition }) => partition).join(",");
  const consumer = new GroupConsumer(client, {
    groupId: `${topic}-group`,
    assignors: ["cooperative-sticky"], // the default; others: range, roundrobin, sticky
    heartbeatIntervalMs: 500, // how soon a member learns of a rebalance
    onAssigned: (partitions) => console.log(`${name} + ${list(partitions)}`),
    onRevoked: (partitions) => console.log(`${name} - ${list(partitions)}`),
    onLost: (partitions) => console.log(`${name} lost ${list(partitions)}`),
  });
  await consumer.subscribe([topic]);
  return consumer;
}

const first = await member("first");
while (first.assignment.length < 6) await first.poll();
const second = await member("second");
while (second.assignment.length < 3) await Promise.all([first.poll(), second.poll()]);
await first.close();
while (second.assignment.length < 6) await second.poll();
await second.close();
await admin.deleteTopic(topic);
await client.close();
