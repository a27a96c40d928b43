// Produces a record with kafkajs and consumes the topic up to it, then prints it. Arguments: the
// bootstrap address, the topic, the file of the authority, the user and the password.
import { readFileSync } from "node:fs";
import { Kafka, logLevel } from "kafkajs";

const [broker, topic, ca, username, password] = process.argv.slice(2);
const kafka = new Kafka({
  brokers: [broker],
  logLevel: logLevel.ERROR,
  ssl: { ca: readFileSync(ca) },
  sasl: { mechanism: "scram-sha-512", username, password },
});
const producer = kafka.producer();
await producer.connect();
const value = `kafkajs by ${broker}`;
await producer.send({ topic, messages: [{ value }] });
await producer.disconnect();
const consumer = kafka.consumer({ groupId: `by ${broker}` });
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
await new Promise((resolve, reject) => {
  const eachMessage = async ({ message }) => {
    if (String(message.value) === value) resolve();
  };
  consumer.run({ eachMessage }).catch(reject);
});
await consumer.disconnect();
console.log(value);
