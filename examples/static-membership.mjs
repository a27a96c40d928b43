// A static member, which has an instance id: its restart moves no partitions (KIP-345).
import { Admin, Client, GroupConsumer } from "@tarpan/client";

const client = new Client({ bootstrap: process.env.BOOTSTRAP ?? "localhost:9092" });
const topic = `example-static-${Date.now()}`;
const admin = new Admin(client);
await admin.createTopic({ name: topic, partitions: 4 });
const groupId = `${topic}-group`;

async function member(groupInstanceId) {
  const list = (partitions) => partitions.map(({ partition }) => partition).join(",");
  const consumer = new GroupConsumer(client, {
    groupId,
    groupInstanceId, // such as the host name: the same after every restart
    onAssigned: (partitions) => console.log(`${groupInstanceId} reads ${list(partitions)}`),
    onRevoked: (partitions) => console.log(`${groupInstanceId} gives up ${list(partitions)}`),
  });
  await consumer.subscribe([topic]);
  return consumer;
}

/** Polls until each of the two members has half of the partitions. */
async function settled(...members) {
  while (members.some((each) => each.assignment.length !== 2))
    await Promise.all(members.map((each) => each.poll(100)));
}

const one = await member("worker-1");
let two = await member("worker-2");
await settled(one, two);

console.log("worker-2 restarts; worker-1 notices nothing");
await two.close(); // a static member does not leave when it closes
two = await member("worker-2");
await settled(one, two);

await Promise.all([one, two].map((each) => each.close({ leave: true }))); // they don't come back
await admin.deleteTopic(topic);
await client.close();
