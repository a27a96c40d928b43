// A real broker, embedded and in memory, and a client of it, for all tests of a file.
import { Broker, type BrokerOptions } from "@tarpan/broker";
import { Client } from "@tarpan/client";
import { afterAll, beforeAll } from "vitest";

export function useEmbedded(options: BrokerOptions = {}) {
  let broker: Broker;
  let client: Client;
  beforeAll(async () => {
    broker = await Broker.start(options);
    client = new Client({ bootstrap: broker.bootstrap, timeoutMs: 10_000 });
  });
  afterAll(async () => {
    await client.close();
    await broker.stop();
  });
  return {
    get bootstrap(): string {
      return broker.bootstrap;
    },
    get client(): Client {
      return client;
    },
  };
}
