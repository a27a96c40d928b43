// Clients read a topic of which compaction left little: they move on over long gaps to the end.
import { Consumer, MessagesStreamModes } from "@platformatic/kafka";
import { encodeBatch } from "@tarpan/protocol";
import { Kafka, logLevel } from "kafkajs";
import { beforeAll, expect, it, vi } from "vitest";
import { useBroker } from "../harness/broker-process.ts";
import { peer } from "../harness/peers.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { RECENT_MS } from "../harness/recent.ts";
import { createTopic, type PlainRecord, produce, readAll } from "../harness/records.ts";
import { succeed } from "../harness/run.ts";
import { peerSource, programPeer } from "./peer.ts";

const TOPIC = "sparse";
const TITLE = "consumes past the offsets that compaction removed";
const SEGMENT_BYTES = 1 << 20;
const GAP = 60;
const flags = ["log.cleaner.backoff.ms=100", "group.initial.rebalance.delay.ms=0"];
const broker = useBroker({ flags: flags.flatMap((flag) => ["--kafka", flag]) });
let left: PlainRecord[] = [];

beforeAll(async () => {
  left = await produceAndCompact();
}, 60_000);

const from = (offset: number) => left.filter((record) => record.offset >= offset);
const offsetsFrom = (offset: number) => from(offset).map((record) => record.offset);

/** Before a gap, and within one, where the broker's answer begins with an empty batch. */
const STARTS = [0, GAP / 2];

const javaOptions = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-XX:TieredStopAtLevel=1"];
const programs: Record<string, readonly string[]> = {
  "confluent-kafka-python": [peerSource("confluent-kafka-python/peer.py")],
  "confluent-kafka-python-2": [peerSource("confluent-kafka-python/peer.py")],
  "kafka-python": [peerSource("kafka-python/peer.py")],
  "kafka-javascript": [peerSource("kafka-javascript/peer.mjs")],
  "franz-go": [],
  java: [...javaOptions, "-cp", peer("java").classPath, "Peer"],
};
for (const [name, args] of Object.entries(programs)) {
  const program = peer(name);
  const { modules } = program;
  const env = modules === "" ? {} : { PYTHONPATH: modules, NODE_PATH: modules };
  const ask = programPeer(program, args, broker, env);
  program.it(`${name} ${TITLE}`, async () => {
    for (const offset of STARTS) {
      const wanted = { partition: 0, offset, count: from(offset).length };
      expect((await ask("consume", TOPIC, wanted)).records, `from ${offset}`).toEqual(from(offset));
    }
  });
}

const kcat = peer("kcat");
kcat.it(`kcat ${TITLE}`, async () => {
  for (const offset of STARTS) {
    const what = ["-C", "-t", TOPIC, "-p", "0", "-o", `${offset}`, "-e", "-q", "-f", "%o "];
    const printed = await succeed(kcat.path, ["-b", broker.bootstrap, ...what]);
    expect(printed.trim().split(" ").map(Number), `from ${offset}`).toEqual(offsetsFrom(offset));
  }
});

it(`kafkajs ${TITLE}`, async () => {
  const kafka = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING });
  for (const offset of STARTS) {
    const consumer = kafka.consumer({ groupId: `kafkajs-${offset}`, maxWaitTimeInMs: 100 });
    const found: number[] = [];
    await consumer.connect();
    await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
    await new Promise<void>((resolve) => {
      const eachMessage = async ({ message }: { message: { offset: string } }) => {
        found.push(Number(message.offset));
        if (found.at(-1) === left.at(-1)!.offset) resolve();
      };
      void consumer.run({ eachMessage });
      consumer.seek({ topic: TOPIC, partition: 0, offset: `${offset}` });
    });
    await consumer.disconnect();
    expect(found, `from ${offset}`).toEqual(offsetsFrom(offset));
  }
});

it(`@platformatic/kafka ${TITLE}`, async () => {
  for (const offset of STARTS) {
    const groupId = `platformatic-${offset}`;
    const consumer = new Consumer({ clientId: "c", groupId, bootstrapBrokers: [broker.bootstrap] });
    const offsets = [{ topic: TOPIC, partition: 0, offset: BigInt(offset) }];
    const mode = MessagesStreamModes.MANUAL;
    const stream = await consumer.consume({ topics: [TOPIC], mode, offsets });
    const found: number[] = [];
    for await (const message of stream) {
      found.push(Number(message.offset));
      if (found.at(-1) === left.at(-1)!.offset) break;
    }
    await consumer.close(true);
    expect(found, `from ${offset}`).toEqual(offsetsFrom(offset));
  }
});

/** Keeps the last record of each key: those at 0 to 2, one after GAP removed ones, and so on. */
async function produceAndCompact(): Promise<PlainRecord[]> {
  const connection = await RawConnection.open(broker.port);
  const configs = { "segment.bytes": `${SEGMENT_BYTES}`, "min.cleanable.dirty.ratio": "0.01" };
  await createTopic(connection, TOPIC, { configs: { "cleanup.policy": "compact", ...configs } });
  const hot = (count: number) => Array.from({ length: count }, () => "hot");
  const keys = ["a", "b", "c", ...hot(GAP), "d", ...hot(20), "e", ...hot(5), "end"];
  for (const [index, key] of keys.entries()) {
    // The last one needs a segment of its own, and all others are closed then.
    const value = Buffer.alloc(key === "end" ? SEGMENT_BYTES - 1000 : 50_000, `${index} `);
    const record = { key: Buffer.from(key), value, timestamp: RECENT_MS + index };
    const { baseOffset } = await produce(connection, TOPIC, encodeBatch([record]));
    expect(baseOffset).toBe(index);
  }
  const kept = [0, 1, 2, GAP + 3, GAP + 24, GAP + 29, GAP + 30];
  const read = () => readAll(connection, TOPIC).then(({ records }) => records);
  const isCompacted = async () => expect((await read()).map(({ offset }) => offset)).toEqual(kept);
  await vi.waitFor(isCompacted, { timeout: 30_000 });
  const records = await read();
  connection.close();
  return records;
}
