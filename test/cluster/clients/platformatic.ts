import {
  Consumer,
  MessagesStreamModes,
  Producer,
  stringDeserializers,
  stringSerializers,
} from "@platformatic/kafka";
import { pause } from "../load/load.ts";
import {
  type ClientUnderTest,
  type Consuming,
  type Producing,
  Progress,
} from "./client-under-test.ts";

const SEND_PAUSE_MS = 10;
const AGAIN_MS = 200;
const TRIES = { retries: 10, retryDelay: 200, timeout: 5_000, connectTimeout: 2_000 };
let values = 0;

/**
 * The test sends each record until the client says that it is stored. After the client's own
 * retries the record has another sequence, so it may be stored twice.
 */
export const platformaticClient: ClientUnderTest = { idempotent: false, produce, consume };

async function produce(bootstrap: readonly string[], topic: string): Promise<Producing> {
  const bootstrapBrokers = [...bootstrap];
  const options = { clientId: "producer", bootstrapBrokers, serializers: stringSerializers };
  const producer = new Producer({ ...options, ...TRIES, idempotent: false });
  const progress = new Progress(topic);
  let running = true;
  const sending = (async () => {
    while (running) {
      const value = `platformatic ${values++}`;
      const messages = [{ topic, key: value, value }];
      while (!(await isStored(() => producer.send({ messages, acks: -1 })))) await pause(AGAIN_MS);
      progress.add(value);
      await pause(SEND_PAUSE_MS);
    }
  })();
  return {
    further: () => progress.further(),
    finish: async () => {
      running = false;
      await sending;
      await producer.close();
      return progress.values;
    },
  };
}

async function isStored(send: () => Promise<unknown>): Promise<boolean> {
  return send().then(
    () => true,
    () => false,
  );
}

async function consume(bootstrap: readonly string[], topic: string): Promise<Consuming> {
  const progress = new Progress(topic);
  let running = true;
  // After its last retry its stream ends with an error; an application then opens a new one.
  const reading = (async () => {
    while (running) {
      await readUntilFailed(bootstrap, topic, progress, () => running).catch(() => {});
      await pause(AGAIN_MS);
    }
  })();
  return {
    begun: () => progress.begun(),
    until: async (wanted) => {
      await progress.has(wanted);
      running = false;
      await reading;
    },
  };
}

const LOOK_MS = 100;

async function readUntilFailed(
  bootstrap: readonly string[],
  topic: string,
  progress: Progress,
  isRunning: () => boolean,
): Promise<void> {
  const consumer = new Consumer({
    clientId: "consumer",
    groupId: `group-of-${topic}`,
    bootstrapBrokers: [...bootstrap],
    deserializers: stringDeserializers,
    sessionTimeout: 6_000,
    heartbeatInterval: 500,
    ...TRIES,
  });
  const look = setInterval(() => {
    if (!isRunning()) void closed(consumer);
  }, LOOK_MS);
  try {
    const stream = await consumer.consume({
      topics: [topic],
      mode: MessagesStreamModes.EARLIEST,
      maxWaitTime: 100,
      autocommit: false,
    });
    for await (const { value } of stream) progress.add(value!);
  } finally {
    clearInterval(look);
    await closed(consumer);
  }
}

async function closed(consumer: { close(force: boolean): unknown }): Promise<void> {
  try {
    await consumer.close(true);
  } catch {
    // It can't leave its group if the coordinator is down.
  }
}
