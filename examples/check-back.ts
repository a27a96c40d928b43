// Sends a message that is delivered if a local transaction commits. If its producer dies meanwhile,
// the broker asks another one of its group what has become of the transaction.
import {
  Admin,
  CheckBackProducer,
  Client,
  Consumer,
  type LocalOutcome,
  type LocalTransaction,
} from "@tarpan/client";

const client = new Client({ bootstrap: process.env.BOOTSTRAP ?? "localhost:9092" });
const topic = `example-half-${Date.now()}`;
const admin = new Admin(client);
await admin.createTopic({ name: topic, partitions: 1 });

/** The table of a database, in earnest. */
const payments = new Map<string, string>();

class PaymentListener {
  executeLocalTransaction({ id, records }: LocalTransaction): LocalOutcome {
    const amount = `${records[0]?.value}`;
    if (amount === "0") return "rollback";
    payments.set(id, amount);
    return amount === "3" ? "unknown" : "commit";
  }

  checkLocalTransaction({ id }: LocalTransaction): LocalOutcome {
    return payments.has(id) ? "commit" : "unknown";
  }
}

const listener = new PaymentListener();
const producer = new CheckBackProducer(client, {
  producerGroup: `${topic}-payments`,
  executeLocalTransaction: (transaction) => listener.executeLocalTransaction(transaction),
  checkLocalTransaction: (transaction) => listener.checkLocalTransaction(transaction),
});
for (const value of ["1", "0", "2"]) {
  const { outcome } = await producer.send({ topic, value });
  console.log(`${value}: ${outcome}`);
}
// The broker asks what has become of it, after some seconds.
const { id, outcome } = await producer.send({ topic, value: "3" });
console.log(`3: ${outcome}`, payments.has(id));

const consumer = new Consumer(client);
await consumer.assign([{ topic, partition: 0, offset: "earliest" }]);
for await (const { value } of consumer) {
  console.log(`delivered ${value}`);
  if (`${value}` === "3") break;
}

consumer.close();
await producer.close();
await admin.deleteTopic(topic);
await client.close();
