// A consumer group with kafkajs.
import kafkajs from "kafkajs";

const { Kafka, logLevel } = kafkajs;
const brokers = [process.env.BOOTSTRAP ?? "localhost:9092"];
const kafka = new Kafka({ brokers, logLevel: logLevel.ERROR });
const topic = "example-kafkajs";
const count = 10;

const admin = kafka.admin();
await admin.connect();
await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] }); // false if it exists
await admin.disconnect();

const producer = kafka.producer();
await producer.connect();
const messages = Array.from({ length: count }, (_, i) => ({ value: `message ${i}` }));
await producer.send({ topic, messages });
await producer.disconnect();

const consumer = kafka.consumer({ groupId: "example-kafkajs-group" });
await consumer.connect();
await consumer.subscribe({ topics: [topic], fromBeginning: true });
let read = 0;
await new Promise((resolve) => {
  consumer.run({
    eachMessage: async ({ partition, message }) => {
      console.log(`got ${partition}@${message.offset} ${message.value}`);
      if (++read === count) resolve();
    },
  });
});
await consumer.disconnect();
