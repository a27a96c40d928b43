import type { Producer } from "kafkajs";
import { kafkajs } from "../load/kafkajs-client.ts";
import { pause } from "../load/load.ts";
import {
  type ClientUnderTest,
  type Consuming,
  type Producing,
  Progress,
} from "./client-under-test.ts";

const SEND_PAUSE_MS = 10;
const SESSION_TIMEOUT_MS = 6_000;
const CONNECT_TRIES = 20;
const CONNECT_PAUSE_MS = 500;
let values = 0;

export const kafkajsClient: ClientUnderTest = { idempotent: true, produce, consume };

async function produce(bootstrap: readonly string[], topic: string): Promise<Producing> {
  const producer = kafkajs({ bootstrap }, "producer").producer({ idempotent: true });
  await connect(producer);
  const progress = new Progress(topic);
  let running = true;
  const sending = (async () => {
    while (running) {
      const value = `kafkajs ${values++}`;
      await producer.send({ topic, acks: -1, messages: [{ value, key: value }] });
      progress.add(value);
      await pause(SEND_PAUSE_MS);
    }
  })();
  sending.catch(() => {});
  return {
    further: () => progress.further(),
    finish: async () => {
      running = false;
      await sending;
      await producer.disconnect();
      return progress.values;
    },
  };
}

/**
 * kafkajs gives up at once if the controller in the metadata has just died. As with Kafka, the
 * application then has to retry.
 */
async function connect(producer: Producer): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await producer.connect();
    } catch (error) {
      if (tries === CONNECT_TRIES) throw error;
      await pause(CONNECT_PAUSE_MS);
    }
  }
}

async function consume(bootstrap: readonly string[], topic: string): Promise<Consuming> {
  const consumer = kafkajs({ bootstrap }, "consumer").consumer({
    groupId: `group-of-${topic}`,
    sessionTimeout: SESSION_TIMEOUT_MS,
  });
  const progress = new Progress(topic);
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => progress.add(message.value!.toString()),
  });
  return {
    begun: () => progress.begun(),
    until: async (wanted) => {
      await progress.has(wanted);
      await consumer.disconnect();
    },
  };
}
