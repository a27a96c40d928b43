// How a producer chooses the partition of a record.
import { Admin, Client, Producer, type ProducerRecord } from "@tarpan/client";

const client = new Client({ bootstrap: process.env.BOOTSTRAP ?? "localhost:9092" });
const topic = `example-partitioners-${Date.now()}`;
const admin = new Admin(client);
await admin.createTopic({ name: topic, partitions: 3 });

// Each record names its partition, or is refused.
const manual = new Producer(client, { partitioner: "manual" });
console.log("manual", (await manual.send({ topic, partition: 2, value: "v" })).partition);

// One partition after the other.
const roundRobin = new Producer(client, { partitioner: "round-robin" });
const turn = [1, 2, 3, 4].map((value) => ({ topic, value: `${value}` }));
const partitions = (await roundRobin.sendBatch(turn)).map(({ partition }) => partition);
console.log("round-robin", partitions.join());

// Any.
const random = new Producer(client, { partitioner: "random" });
console.log("random", (await random.send({ topic, value: "v" })).partition < 3);

// By the key, as in Kafka's clients. This is the default; without a key, about 16 KiB go to one
// partition, then to another.
const hash = new Producer(client, { partitioner: "hash" });
const record: ProducerRecord = { topic, key: "user-123", value: "user data" };
const [first, second] = await hash.sendBatch([record, record]);
console.log("hash", first?.partition === second?.partition);

for (const producer of [manual, roundRobin, random, hash]) await producer.close();
await admin.deleteTopic(topic);
await client.close();
