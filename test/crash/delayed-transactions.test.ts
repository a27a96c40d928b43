import { Admin, Client, Consumer, TransactionalProducer } from "@tarpan/client";
import { Kafka, logLevel, type Transaction } from "kafkajs";
import { describe, expect, it } from "vitest";
import { useBroker } from "../harness/broker-process.ts";

const LIMIT_MS = 90_000;
const SHORT_TIMEOUT_MS = 1_000;
const LONG_TIMEOUT_MS = 60_000;

/** A transactional producer of one client. */
interface Transactional {
  begin(): Promise<void>;
  /** Schedules a message for `topic`; a null `delay` cancels it. */
  send(topic: string, id: string, delay: string | null): Promise<unknown>;
  commit(): Promise<void>;
  abort(): Promise<void>;
  close(): Promise<void>;
}

type Open = (transactionalId: string, timeoutMs: number) => Promise<Transactional>;

const broker = useBroker();

const openOurs: Open = async (transactionalId, transactionTimeoutMs) => {
  const client = new Client({ bootstrap: broker.bootstrap, timeoutMs: LONG_TIMEOUT_MS });
  const producer = new TransactionalProducer(client, { transactionalId, transactionTimeoutMs });
  return {
    begin: () => producer.begin(),
    send: (topic, id, delay) => producer.send({ topic: "__delayed", ...message(topic, id, delay) }),
    commit: () => producer.commit(),
    abort: () => producer.abort(),
    close: () => client.close(),
  };
};

const openKafkajs: Open = async (transactionalId, transactionTimeout) => {
  const kafka = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING });
  const producer = kafka.producer({
    ...{ transactionalId, transactionTimeout, idempotent: true, maxInFlightRequests: 1 },
    retry: { retries: 20, initialRetryTime: 100, maxRetryTime: 1_000 },
  });
  await producer.connect();
  let transaction!: Transaction;
  return {
    async begin() {
      transaction = await producer.transaction();
    },
    send(topic, id, delay) {
      const { headers, ...rest } = message(topic, id, delay);
      const pairs = Object.fromEntries(headers.map(({ key, value }) => [key, value]));
      return transaction.send({ topic: "__delayed", messages: [{ ...rest, headers: pairs }] });
    },
    commit: () => transaction.commit(),
    abort: () => transaction.abort(),
    close: () => producer.disconnect(),
  };
};

function message(topic: string, id: string, delay: string | null) {
  const headers = [
    { key: "tarpan-topic", value: topic },
    { key: "tarpan-delay", value: delay ?? "1s" },
  ];
  return { key: id, value: delay === null ? null : id, headers };
}

describe.each([
  ["TransactionalProducer", openOurs],
  ["kafkajs", openKafkajs],
])("delayed messages in transactions of %s", (name, open) => {
  it(
    "count when they are committed, and only then, also when the broker is killed",
    async () => {
      const topic = `${name}-target`;
      const client = new Client({ bootstrap: broker.bootstrap, timeoutMs: LONG_TIMEOUT_MS });
      await new Admin(client).createTopic({ name: topic, partitions: 1 });
      const producer = await open(name, LONG_TIMEOUT_MS);
      const send = (id: string, delay: string | null) => producer.send(topic, id, delay);

      await producer.begin();
      await send("committed", "0s");
      await send("cancelled", "1h");
      const committingMs = Date.now();
      await producer.commit();

      await producer.begin();
      await send("aborted", "0s");
      await send("cancelled", null);
      await producer.abort();
      expect(await waiting()).toEqual(["cancelled"]);
      await producer.begin();
      await send("cancelled", null);
      await producer.commit();
      await until(async () => (await waiting()).length === 0);

      const silent = await open(`${name}-silent`, SHORT_TIMEOUT_MS);
      await silent.begin();
      await silent.send(topic, "timed out", "0s");
      await until(isStable);
      await silent.close();

      await producer.begin();
      await send("killed before the commit", "0s");
      await broker.restart();
      await producer.commit();
      await producer.begin();
      await send("killed after the commit", "0s");
      await producer.commit();
      await broker.restart();

      const expected = ["committed", "killed before the commit", "killed after the commit"];
      const read = await readAll(client, topic, expected.length);
      expect(read.map(({ id }) => id).sort()).toEqual(expected.sort());
      for (const { timestamp } of read) expect(timestamp).toBeGreaterThanOrEqual(committingMs);
      await producer.close();
      await client.close();
    },
    LIMIT_MS,
  );
});

async function ask(path: string): Promise<unknown> {
  for (;;) {
    const answer = await fetch(`http://${broker.bootstrap}${path}`);
    const json = await answer.json();
    // A partition is still loaded after a start.
    if (answer.status !== 503) return json;
  }
}

async function waiting(): Promise<string[]> {
  const { messages } = (await ask("/api/v1/delayed")) as { messages: { id: string }[] };
  return messages.map(({ id }) => id);
}

/** Whether no transaction is open in `__delayed`. */
async function isStable(): Promise<boolean> {
  const { partitions } = (await ask("/cluster/status?partitions=true")) as {
    partitions: { topic: string; endOffset: number; lastStableOffset: number }[];
  };
  const delayed = partitions.filter(({ topic }) => topic === "__delayed");
  return delayed.every(({ endOffset, lastStableOffset }) => endOffset === lastStableOffset);
}

async function until(check: () => Promise<boolean>): Promise<void> {
  const endMs = Date.now() + LIMIT_MS / 3;
  while (!(await check())) {
    expect(Date.now(), "it takes too long").toBeLessThan(endMs);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** All that the topic gets until `count` records are there and nothing waits any more. */
async function readAll(client: Client, topic: string, count: number) {
  const consumer = new Consumer(client, { maxWaitMs: 100 });
  await consumer.assign([{ topic, partition: 0, offset: "earliest" }]);
  const read: { id: string; timestamp: number }[] = [];
  const poll = async () => {
    for (const { value, timestamp } of await consumer.poll()) {
      read.push({ id: Buffer.from(value!).toString(), timestamp: Number(timestamp) });
    }
  };
  await until(async () => {
    await poll();
    return read.length >= count && (await waiting()).length === 0 && (await isStable());
  });
  await poll();
  consumer.close();
  return read;
}
