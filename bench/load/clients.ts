// The same work with three clients: @tarpan/client, kafkajs and @platformatic/kafka. Each sends
// calls of records, some at once, and reads all records of a topic.

import * as platformatic from "@platformatic/kafka";
import { Client, Consumer, Producer } from "@tarpan/client";
import { Kafka, logLevel } from "kafkajs";

export interface ClientWork {
  readonly port: number;
  readonly topic: string;
  readonly recordBytes: number;
  readonly records: number;
}

export interface ClientUnderTest {
  readonly name: "@tarpan/client" | "kafkajs" | "@platformatic/kafka";
  /** Resolves to records a second, acknowledged by the broker (acks=all). */
  produce(work: ClientWork): Promise<number>;
  /** Resolves to records a second, from the first record read to the last. */
  consume(work: ClientWork): Promise<number>;
}

const CALL_RECORDS = 500;
const CALLS_AT_ONCE = 4;
const MS = 1_000;

/** Sends all records: `CALLS_AT_ONCE` calls at a time. Resolves to records a second. */
async function paced(records: number, call: () => Promise<unknown>): Promise<number> {
  await call();
  let left = Math.ceil(records / CALL_RECORDS);
  const start = performance.now();
  const worker = async () => {
    while (left-- > 0) await call();
  };
  await Promise.all(Array.from({ length: CALLS_AT_ONCE }, worker));
  return (records / (performance.now() - start)) * MS;
}

/** Counts records, and resolves `rate` when all were read. */
function counter(records: number) {
  let read = 0;
  let start = 0;
  let before = 0;
  let done = (_rate: number) => {};
  const rate = new Promise<number>((resolve) => {
    done = resolve;
  });
  const add = (count: number) => {
    if (read === 0) [start, before] = [performance.now(), count];
    read += count;
    if (read >= records) done(((read - before) / (performance.now() - start)) * MS);
  };
  return { rate, add, isDone: () => read >= records };
}

const valueFor = ({ recordBytes }: ClientWork) => Buffer.alloc(recordBytes, 1);

const ours: ClientUnderTest = {
  name: "@tarpan/client",
  async produce(work) {
    const client = new Client({ bootstrap: `127.0.0.1:${work.port}` });
    const producer = new Producer(client);
    const { topic } = work;
    const records = Array.from({ length: CALL_RECORDS }, () => ({ topic, value: valueFor(work) }));
    const rate = await paced(work.records, () => producer.sendBatch(records));
    await producer.close();
    await client.close();
    return rate;
  },
  async consume({ port, topic, records }) {
    const client = new Client({ bootstrap: `127.0.0.1:${port}` });
    const consumer = new Consumer(client);
    await consumer.assign([{ topic, partition: 0, offset: "earliest" }]);
    const { rate, add, isDone } = counter(records);
    while (!isDone()) add((await consumer.poll()).length);
    consumer.close();
    await client.close();
    return rate;
  },
};

const kafkajs: ClientUnderTest = {
  name: "kafkajs",
  async produce(work) {
    const kafka = kafkajsOf(work.port);
    const producer = kafka.producer();
    await producer.connect();
    const { topic } = work;
    const messages = Array.from({ length: CALL_RECORDS }, () => ({ value: valueFor(work) }));
    const rate = await paced(work.records, () => producer.send({ topic, messages, acks: -1 }));
    await producer.disconnect();
    return rate;
  },
  async consume({ port, topic, records }) {
    const consumer = kafkajsOf(port).consumer({ groupId: newGroup("kafkajs") });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    const { rate, add } = counter(records);
    await consumer.run({
      eachBatch: async ({ batch }) => add(batch.messages.length),
    });
    const reached = await rate;
    await consumer.disconnect();
    return reached;
  },
};

const platformaticKafka: ClientUnderTest = {
  name: "@platformatic/kafka",
  async produce(work) {
    const producer = new platformatic.Producer({
      ...platformaticOf(work.port),
      autocreateTopics: false,
    });
    const { topic } = work;
    const messages = Array.from({ length: CALL_RECORDS }, () => ({ topic, value: valueFor(work) }));
    const rate = await paced(work.records, () => producer.send({ messages, acks: -1 }));
    await producer.close();
    return rate;
  },
  async consume({ port, topic, records }) {
    const groupId = newGroup("platformatic");
    const consumer = new platformatic.Consumer({ ...platformaticOf(port), groupId });
    const stream = await consumer.consume({ topics: [topic], mode: "earliest", autocommit: false });
    const { rate, add } = counter(records);
    stream.on("data", () => add(1));
    const reached = await rate;
    await stream.close();
    await consumer.close(true);
    return reached;
  },
};

let groups = 0;
const newGroup = (name: string) => `${name}-${groups++}`;
const kafkajsOf = (port: number) =>
  new Kafka({ brokers: [`127.0.0.1:${port}`], logLevel: logLevel.ERROR });
const platformaticOf = (port: number) => ({
  ...{ clientId: "bench", bootstrapBrokers: [`127.0.0.1:${port}`] },
});

export const CLIENTS: readonly ClientUnderTest[] = [ours, kafkajs, platformaticKafka];
