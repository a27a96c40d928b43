// A worker of Kafka Connect keeps connectors, their status and their positions in compacted topics.
import { appendFile, writeFile } from "node:fs/promises";
import { encodeBatch } from "@tarpan/protocol";
import { expect } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { produce } from "../harness/records.ts";
import { CONNECT_LIMIT_MS, ConnectWorker, lines } from "./connect-worker.ts";
import { applications } from "./java-application.ts";

for (const storage of ["segment", "memory"]) {
  const title = `Kafka Connect goes on from compacted topics of a ${storage} broker`;
  applications.it(
    title,
    async () => {
      const flags = ["--storage", storage, "--kafka", "log.cleaner.backoff.ms=200"];
      const broker = new BrokerProcess({ flags });
      await broker.start();
      const worker = await ConnectWorker.of(broker);
      try {
        await worker.start();
        await writeFile(worker.input, lines(0, 500));
        await worker.connect("source", "Source", { file: worker.input, topic: "lines" });
        await worker.connect("sink", "Sink", { file: worker.output, topics: "lines" });
        await worker.expectOutput(lines(0, 500));
        const position = lines(0, 500).length;
        await expect.poll(() => worker.position(), { timeout: CONNECT_LIMIT_MS }).toBe(position);
        await crowd(broker);
        await worker.kill9();
        if (storage === "segment") await broker.restart();
        await appendFile(worker.input, lines(500, 700));
        await worker.start();
        // A source that had lost its position would send the first lines again.
        await worker.expectOutput(lines(0, 700));
        expect((await worker.ask("/connectors")).toSorted()).toEqual(["sink", "source"]);
        await expect
          .poll(() => worker.position(), { timeout: CONNECT_LIMIT_MS })
          .toBe(lines(0, 700).length);
      } finally {
        await worker.kill9();
        await broker.kill9();
      }
    },
    240_000,
  );
}

/** Adds positions of other connectors, one over the other, until the topic was compacted. */
async function crowd(broker: BrokerProcess): Promise<void> {
  const connection = await RawConnection.open(broker.port);
  for (let i = 0; i < 60; i++) {
    const value = Buffer.from(JSON.stringify({ position: i, filler: "x".repeat(50_000) }));
    const key = Buffer.from(JSON.stringify(["other", { filename: `${i % 3}` }]));
    const batch = encodeBatch([{ key, value, timestamp: Date.now() }]);
    expect((await produce(connection, "connect-offset", batch)).errorCode).toBe(0);
  }
  connection.close();
  const isCompacted = () => broker.output.includes("connect-offset-0: compacted");
  await expect.poll(isCompacted, { timeout: CONNECT_LIMIT_MS }).toBe(true);
}
