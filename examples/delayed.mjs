// Delayed messages: delivered later, replaced, cancelled. Needs a Tarpan broker that has them.
import { Client, DelayedProducer } from "@tarpan/client";

const client = new Client({ bootstrap: process.env.BOOTSTRAP ?? "localhost:9092" });
const producer = new DelayedProducer(client);
const topic = "example-reminders";
try {
  const id = await producer.send({ topic, key: "ann", value: "pay" }, { delayMs: 60_000 });
  await producer.send({ topic, key: "ann", value: "pay now" }, { level: 9, id }); // in 5 minutes
  await producer.cancel(id);
  const deliverAt = Date.now() + 1_000;
  await producer.send({ topic, key: "bob", value: "wake up" }, { deliverAt });
  console.log("one message waits");
} catch (error) {
  if (error.code !== "TARPAN_NO_DELAYED_MESSAGES") throw error;
  console.log(error.message);
}
await producer.close();
await client.close();
