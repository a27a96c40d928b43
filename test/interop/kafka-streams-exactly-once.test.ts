import { expect } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { applications } from "./java-application.ts";
import { countWords, WORD_COUNT_LIMIT_MS } from "./word-count.ts";

applications.it(
  "Kafka Streams counts words exactly once amid kills of the application and the broker",
  async () => {
    const broker = new BrokerProcess();
    await broker.start();
    try {
      await countWords([broker.bootstrap], () => broker.restart());
      expect(broker.bugs, broker.output).toEqual([]);
    } finally {
      await broker.kill9();
    }
  },
  WORD_COUNT_LIMIT_MS,
);
