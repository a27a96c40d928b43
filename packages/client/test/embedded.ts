// A real broker, embedded and in memory, for all tests of a file.
import { Broker } from "@tarpan/broker";
import { afterAll, beforeAll } from "vitest";
import { Admin, Client, type ConsumedRecord, Consumer } from "../src/index.ts";

export function useEmbedded() {
  let broker: Broker;
  let client: Client;
  let admin: Admin;
  beforeAll(async () => {
    broker = await Broker.start();
    client = new Client({ bootstrap: broker.bootstrap, timeoutMs: 10_000 });
    admin = new Admin(client);
  });
  afterAll(async () => {
    await client.close();
    await broker.stop();
  });
  return {
    get client() {
      return client;
    },
    get admin() {
      return admin;
    },
    /** All records of all partitions. */
    async readAll(topic: string): Promise<ConsumedRecord[]> {
      const { partitions } = await admin.describeTopic(topic);
      const consumer = new Consumer(client, { maxWaitMs: 20 });
      const offset = "earliest" as const;
      await consumer.assign(partitions.map(({ partition }) => ({ topic, partition, offset })));
      const records: ConsumedRecord[] = [];
      do records.push(...(await consumer.poll()));
      while (!consumer.atEnd);
      consumer.close();
      return records;
    },
  };
}
