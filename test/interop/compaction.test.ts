// A compacted topic of a real broker, whose cleaner works in its thread: a consumer sees the last
// value of each key at its offset, and Kafka's own tool reads the files.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { compress } from "@tarpan/codecs";
import { encodeBatch } from "@tarpan/protocol";
import { ConfigResourceTypes, Kafka, logLevel } from "kafkajs";
import { expect, it } from "vitest";
import { useBroker } from "../harness/broker-process.ts";
import { peer } from "../harness/peers.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { RECENT_MS } from "../harness/recent.ts";
import { base64, createTopic, produce, readAll } from "../harness/records.ts";
import { run } from "../harness/run.ts";
import { programPeer } from "./peer.ts";

const broker = useBroker({ flags: ["--kafka", "log.cleaner.backoff.ms=100"] });
const java = peer("java");
const JAVA_OPTIONS = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-XX:TieredStopAtLevel=1"];
const KEYS = 7;
const BATCHES = 60;
const LIMIT_MS = 60_000;

it("a consumer gets the last value of each key, at its offset", { timeout: LIMIT_MS }, async () => {
  const last = await fillAndCompact("compacted");
  const found = await consumeAll("compacted");
  expect(found.length).toBeLessThan((BATCHES * 3) / 2);
  const newest = new Map(found.map(({ key, offset }) => [key, offset]));
  expect(newest).toEqual(last);
});

const title = "Kafka's own DumpLogSegments finds nothing wrong with compacted segments";
java.it(title, async () => {
  await fillAndCompact("dumped");
  await broker.stop();
  const directory = join(broker.dataDirectory, "dumped-0");
  const names = (await readdir(directory)).filter((name) => /\.(log|index|timeindex)$/.test(name));
  const files = names.map((name) => join(directory, name)).join(",");
  const tool = ["kafka.tools.DumpLogSegments", "--deep-iteration", "--files", files];
  const dump = await run(java.path, [...JAVA_OPTIONS, "-cp", java.classPath, ...tool]);
  expect(dump.stderr + dump.stdout).not.toMatch(/exception|mismatch|corrupt/i);
  expect(dump.code).toBe(0);
  expect(dump.stdout).toMatch(/count: 0 /);
  await broker.start();
});

java.it("a registry of schemas finds them again after compaction and kill -9", async () => {
  const connection = await RawConnection.open(broker.port);
  const atOnce = { "min.cleanable.dirty.ratio": "0.01" };
  const configs = { "cleanup.policy": "compact", "segment.bytes": `${1 << 20}`, ...atOnce };
  await createTopic(connection, "_schemas", { configs });
  const kept = new Map<string, string | null>();
  const write = async (key: string, value: string | null, to: RawConnection) => {
    const bytes = value === null ? null : Buffer.from(value);
    const record = { key: Buffer.from(key), value: bytes, timestamp: Date.now() };
    kept.set(base64(key), value === null ? null : base64(value));
    return (await produce(to, "_schemas", encodeBatch([record]))).baseOffset;
  };
  for (let i = 0; i < 60; i++) {
    await write(`schema ${i % 20}`, i < 50 ? `${i}`.padEnd(60_000) : null, connection);
    await write("noop", null, connection);
  }
  connection.close();
  // The open segment begins at 68. What is closed must be cleaned, or records go while we count.
  const lastRun = /"cleanedTo":68,.*_schemas-0: compacted/;
  await expect.poll(() => broker.output, { timeout: 20_000 }).toMatch(lastRun);
  await broker.restart();
  // A registry writes a record when it starts, and reads from the start until it finds that one.
  const again = await RawConnection.open(broker.port);
  const last = await write("noop", null, again);
  const { length: count } = (await readAll(again, "_schemas")).records;
  again.close();
  const ask = programPeer(java, [...JAVA_OPTIONS, "-cp", java.classPath, "Peer"], broker);
  const { records } = await ask("consume", "_schemas", { partition: 0, offset: 0, count });
  expect(count).toBeLessThan(100);
  expect(records.at(-1)!.offset).toBe(last);
  expect(new Map(records.map(({ key, value }) => [key, value]))).toEqual(kept);
});

/** Returns the offset of each key's last record. */
async function fillAndCompact(topic: string): Promise<Map<string, number>> {
  const connection = await RawConnection.open(broker.port);
  await createTopic(connection, topic, { configs: { "segment.bytes": `${1 << 20}` } });
  const last = new Map<string, number>();
  for (let i = 0; i < BATCHES; i++) {
    const records = [0, 1, 2].map((n) => ({
      key: Buffer.from(`k${(i * 3 + n * n) % KEYS}`),
      value: Buffer.alloc(40_000, `${i} ${n} ${i * n}`),
      timestamp: RECENT_MS + i,
    }));
    const compression = [0, 0, 1, 0, 1][i % 5]!;
    const batch = encodeBatch(records, { compression, compress });
    const { baseOffset, errorCode } = await produce(connection, topic, batch);
    expect(errorCode).toBe(0);
    for (const [n, { key }] of records.entries()) last.set(`${key}`, baseOffset + n);
  }
  connection.close();
  // Only now, so that one run cleans all of it.
  await compact(topic);
  const isCompacted = () => broker.output.includes(`${topic}-0: compacted`);
  await expect.poll(isCompacted, { timeout: 30_000 }).toBe(true);
  expect(broker.output).not.toMatch(/has no thread of its own/);
  return last;
}

async function compact(topic: string): Promise<void> {
  const admin = kafka().admin();
  await admin.connect();
  const configEntries = [{ name: "cleanup.policy", value: "compact" }];
  const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }];
  await admin.alterConfigs({ validateOnly: false, resources });
  await admin.disconnect();
}

const kafka = () => new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING });

async function consumeAll(topic: string): Promise<{ key: string; offset: number }[]> {
  const consumer = kafka().consumer({ groupId: `group-${topic}` });
  const found: { key: string; offset: number }[] = [];
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve) => {
      void consumer.run({
        eachMessage: async ({ message }) => {
          found.push({ key: `${message.key}`, offset: Number(message.offset) });
          if (Number(message.offset) === BATCHES * 3 - 1) resolve();
        },
      });
    });
  } finally {
    await consumer.disconnect();
  }
  return found;
}
