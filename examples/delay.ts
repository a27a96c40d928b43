// Sends a message that is delivered later, exactly once.
import { Admin, Client, DelayedProducer, type ProducerRecord } from "@tarpan/client";

const client = new Client({ bootstrap: process.env.BOOTSTRAP ?? "localhost:9092" });
const topic = `example-delay-${Date.now()}`;
const admin = new Admin(client);
await admin.createTopic({ name: topic, partitions: 1 });

const producer = new DelayedProducer(client);
const record: ProducerRecord = { topic, value: "This message will be delivered later" };

// At a time.
const deliverAt = Date.now() + 5 * 60_000;
const id = await producer.send(record, { deliverAt });
console.log(`will be delivered in ${Math.round((deliverAt - Date.now()) / 60_000)} minutes`);

// After a delay, or by one of the 18 levels: 9 is 5 minutes, too. The same id replaces the message.
await producer.send(record, { delayMs: 5 * 60_000, id });
await producer.send(record, { level: 9, id });

// Until it is delivered, it can be cancelled.
await producer.cancel(id);

await producer.close();
await admin.deleteTopic(topic);
await client.close();
