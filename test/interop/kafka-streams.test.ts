// A state store of Kafka Streams comes back from its compacted changelog topic.
import { encodeBatch } from "@tarpan/protocol";
import { expect } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { peer } from "../harness/peers.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { createTopic, produce } from "../harness/records.ts";
import { succeed } from "../harness/run.ts";
import { temporaryDirectory } from "../harness/temp.ts";

const KEYS = 50;
const RECORDS = 12_000;
const CHANGELOG = "latest-latest-changelog-0";
const applications = peer("java-applications");
const number = (index: number) => `${index}`.padStart(8, "0");

for (const storage of ["segment", "memory"]) {
  const title = `Kafka Streams restores its store from a compacted topic of a ${storage} broker`;
  applications.it(
    title,
    async () => {
      const flags = ["--storage", storage, "--kafka", "log.cleaner.backoff.ms=200"];
      const broker = new BrokerProcess({ flags });
      await broker.start();
      try {
        await produceNumbers(broker);
        const before = await runApplication(broker);
        expect(before).toEqual({ restored: 0, store: expectedStore() });
        const isCompacted = () => broker.output.includes(`${CHANGELOG}: compacted`);
        await expect.poll(isCompacted, { timeout: 30_000 }).toBe(true);
        if (storage === "segment") await broker.restart();
        const after = await runApplication(broker);
        expect(after.store).toEqual(before.store);
        expect(after.restored).toBeGreaterThanOrEqual(KEYS);
        expect(after.restored).toBeLessThan(RECORDS / 2);
      } finally {
        await broker.kill9();
      }
    },
    240_000,
  );
}

/** Each key gets each KEYSth number, in padded values that fill some segments. */
async function produceNumbers({ port }: BrokerProcess): Promise<void> {
  const connection = await RawConnection.open(port);
  await createTopic(connection, "numbers");
  for (let first = 0; first < RECORDS; first += 500) {
    const records = Array.from({ length: 500 }, (_, n) => ({
      key: Buffer.from(`key-${(first + n) % KEYS}`),
      value: Buffer.from(number(first + n).padEnd(300)),
      timestamp: Date.now(),
    }));
    await produce(connection, "numbers", encodeBatch(records));
  }
  connection.close();
}

function expectedStore(): string[] {
  const last = Array.from({ length: KEYS }, (_, n) => RECORDS - KEYS + n);
  return last.map((index) => `key-${index % KEYS} ${number(index)}`).sort();
}

/** Runs it with an empty state directory until its store is complete, then as if it were killed. */
async function runApplication({ bootstrap }: BrokerProcess) {
  const options = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-XX:TieredStopAtLevel=1"];
  const main = ["-cp", applications.classPath, "Latest", bootstrap, await temporaryDirectory()];
  const output = await succeed(
    applications.path,
    [...options, ...main, `${KEYS}`, number(RECORDS - KEYS)],
    { timeoutMs: 90_000 },
  );
  const [restored, ...store] = output.trim().split("\n");
  return { restored: Number(restored!.replace("restored ", "")), store: store.sort() };
}
