// Creates, lists, describes and deletes a topic.
import { Admin, Client, ClientError } from "@tarpan/client";

const client = new Client({ bootstrap: process.env.BOOTSTRAP ?? "localhost:9092" });
const topic = `example-topics-${Date.now()}`;
const admin = new Admin(client);

try {
  const created = await admin.createTopic({ name: topic, partitions: 3, replicas: 1 });
  console.log(`created ${created.name === topic}`);
  await admin.createTopic({ name: topic });
} catch (error) {
  // The code is stable; the message says what to do.
  if (!(error instanceof ClientError)) throw error;
  console.log(error.code);
}

for (const { name, partitions } of await admin.listTopics())
  if (name === topic) console.log(`listed with ${partitions.length} partitions`);

const { partitions } = await admin.describeTopic(topic);
console.log(`${partitions.length} partitions, ${partitions[0]?.replicas.length} replica of each`);

await admin.deleteTopic(topic);
console.log("deleted");
await client.close();
