// What a client and a producer can be told about connections, time-outs and batches.
import { Admin, Client, Producer } from "@tarpan/client";

const client = new Client({
  bootstrap: (process.env.BOOTSTRAP ?? "localhost:9092,localhost:9093").split(","),
  timeoutMs: 5_000,
  // Connections are opened when they are needed, one to each broker, and one for each consumer:
  // requests of many records share them, in flight at once, so that a pool needs no sizes.
  connectionsMaxIdleMs: 5 * 60_000,
  onTrouble: ({ what, error, sinceMs }) =>
    console.error(`${what}: ${error?.message ?? "works again"}, after ${sinceMs} ms`),
});

const producer = new Producer(client, {
  batchBytes: 64 * 1024,
  lingerMs: 5, // a batch waits so long for more records
  bufferMemoryBytes: 32 * 1024 * 1024, // then `send` waits, for up to:
  maxBlockMs: 10_000,
  compression: "lz4",
});

const topic = `example-options-${Date.now()}`;
const admin = new Admin(client);
await admin.createTopic({ name: topic, partitions: 1 });
const values = Array.from({ length: 100 }, (_, n) => `${n}`);
const sent = await Promise.all(values.map((value) => producer.send({ topic, value })));
console.log(`sent ${sent.length} records, the last at offset ${sent.at(-1)?.offset}`);

await producer.close();
await admin.deleteTopic(topic);
await client.close();
