import { compress, crc32c, decompress } from "@tarpan/codecs";
import {
  Compression,
  decodeBatches,
  encodeBatch,
  IncrementalAlterConfigs,
  readBatchHeader,
} from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { printedSeed, SeededRandom } from "../../../../test/harness/random.ts";
import { ResourceType } from "../../src/config/kafka/set-configs.ts";
import type { Partition } from "../../src/partition/partition.ts";
import { WholeBroker } from "../handlers/whole-broker.ts";

async function brokerWithTopic(
  topic: Record<string, string> = {},
  configs: Record<string, string> = {},
) {
  const broker = await WholeBroker.start(configs);
  await broker.createTopic("t", 1, topic);
  return broker;
}

const partitionOf = (broker: WholeBroker) => broker.broker.partitions.find("t", 0) as Partition;

/** The headers and values of all stored batches. */
async function stored(broker: WholeBroker) {
  const { log } = partitionOf(broker);
  const bytes = Buffer.concat(await log.read(0, 1 << 24));
  const batches = [...decodeBatches(bytes, { decompress, crc32c })];
  return batches.map((batch) => ({
    compression: batch.header.compression,
    sizeBytes: batch.header.sizeBytes,
    baseOffset: batch.header.baseOffset,
    values: [...batch.records()].map(({ value }) => Buffer.from(value!).toString()),
  }));
}

/** A batch of one record. */
function batchOfValue(value: string, fields: Parameters<typeof encodeBatch>[1] = {}) {
  return encodeBatch([{ key: null, value: Buffer.from(value), timestamp: 1_000 }], fields);
}

const LONG = "a long text that repeats, ".repeat(200);

describe("compression.type", () => {
  it.each(["gzip", "snappy", "lz4", "zstd"] as const)(
    "%s compresses off the event loop",
    async (type) => {
      const broker = await brokerWithTopic({ "compression.type": type });
      const produced = broker.produce("t", batchOfValue(LONG));
      // An append that needs no compression would have its offset by now.
      expect(partitionOf(broker).log.nextOffset).toBe(0);
      expect(await produced).toMatchObject({ errorCode: 0, baseOffset: 0 });
      const other = type === "gzip" ? Compression.snappy : Compression.gzip;
      const recompressed = batchOfValue(LONG, { compression: other, compress });
      expect((await broker.produce("t", recompressed)).errorCode).toBe(0);
      const own = batchOfValue(LONG, { compression: Compression[type], compress });
      const unchanged = broker.produce("t", own);
      expect(partitionOf(broker).log.nextOffset).toBe(3);
      expect((await unchanged).errorCode).toBe(0);
      const batches = await stored(broker);
      expect(batches.map(({ compression }) => compression)).toEqual(
        Array(3).fill(Compression[type]),
      );
      expect(batches.map(({ values }) => values)).toEqual(Array(3).fill([LONG]));
      for (const { sizeBytes } of batches) expect(sizeBytes).toBeLessThan(LONG.length);
    },
  );

  it("uncompressed decompresses, in the same turn", async () => {
    const broker = await brokerWithTopic({ "compression.type": "uncompressed" });
    const batch = batchOfValue(LONG, { compression: Compression.zstd, compress });
    const produced = broker.produce("t", batch);
    expect(partitionOf(broker).log.nextOffset).toBe(1);
    expect((await produced).errorCode).toBe(0);
    expect(await stored(broker)).toMatchObject([{ compression: 0, values: [LONG] }]);
  });

  it.each([
    ["gzip", "1", "9"],
    ["zstd", "-5", "19"],
  ])("%s obeys its level", async (type, fast, small) => {
    const random = new SeededRandom(printedSeed(`levels of ${type}`));
    const words = Array.from({ length: 50 }, () => Buffer.from(random.bytes(6)).toString("hex"));
    const text = Array.from({ length: 5_000 }, () => words[random.below(50)]).join(" ");
    const sizes = [];
    for (const level of [fast, small]) {
      const configs = { "compression.type": type, [`compression.${type}.level`]: level };
      const broker = await brokerWithTopic(configs);
      expect((await broker.produce("t", batchOfValue(text))).errorCode).toBe(0);
      const [batch] = await stored(broker);
      sizes.push(batch!.sizeBytes);
    }
    expect(sizes[1]).toBeLessThan(sizes[0]!);
  });

  it("keeps a producer's batches in their order, whether they are compressed or not", async () => {
    const random = new SeededRandom(printedSeed("order of compressed batches"));
    const broker = await brokerWithTopic({ "compression.type": "gzip" });
    const producing = [];
    const expected: string[] = [];
    for (let sequence = 0; sequence < 60; sequence++) {
      const value = `${sequence} `.repeat(1 + random.below(random.chance(4) ? 20_000 : 20));
      const isDone = random.chance(2);
      const fields = { producerId: 7, producerEpoch: 0, baseSequence: sequence };
      const codec = isDone ? { compression: Compression.gzip, compress } : {};
      producing.push(broker.produce("t", batchOfValue(value, { ...fields, ...codec })));
      expected.push(value);
      // Sometimes all earlier ones are stored by then, and sometimes they are not.
      if (random.chance(10)) await producing.at(-1);
    }
    const outcomes = await Promise.all(producing);
    expect(outcomes.map(({ errorCode, baseOffset }) => ({ errorCode, baseOffset }))).toEqual(
      expected.map((_, baseOffset) => ({ errorCode: 0, baseOffset })),
    );
    expect((await stored(broker)).flatMap(({ values }) => values)).toEqual(expected);
    const again = await broker.produce(
      "t",
      batchOfValue("59", {
        ...{ producerId: 7, producerEpoch: 0, baseSequence: 59 },
      }),
    );
    expect(again).toMatchObject({ errorCode: 0, baseOffset: 59 });
  });
});

describe("compression of plain batches by the broker", () => {
  const ON = { "tarpan.compression.type": "lz4", "tarpan.compression.threshold.bytes": "500" };
  const codecs = async (broker: WholeBroker) =>
    (await stored(broker)).map(({ compression }) => compression);

  it("leaves small and compressed batches as they are", async () => {
    const broker = await brokerWithTopic({}, ON);
    const small = batchOfValue("x".repeat(400));
    expect(readBatchHeader(small).sizeBytes).toBeLessThanOrEqual(500);
    await broker.produce("t", small);
    await broker.produce("t", batchOfValue(LONG));
    await broker.produce("t", batchOfValue(LONG, { compression: Compression.gzip, compress }));
    const { none, lz4, gzip } = Compression;
    expect(await codecs(broker)).toEqual([none, lz4, gzip]);
  });

  it("leaves topics alone that have a compression.type", async () => {
    for (const type of ["producer", "uncompressed"]) {
      const broker = await brokerWithTopic({ "compression.type": type }, ON);
      await broker.produce("t", batchOfValue(LONG));
      expect(await codecs(broker)).toEqual([Compression.none]);
    }
    const broker = await brokerWithTopic({}, { ...ON, "compression.type": "zstd" });
    await broker.produce("t", batchOfValue(LONG));
    expect(await codecs(broker)).toEqual([Compression.zstd]);
  });

  it("is switched on and off while the broker runs", async () => {
    const broker = await brokerWithTopic();
    await broker.produce("t", batchOfValue(LONG));
    for (const value of ["snappy", "none"]) {
      const configs = [{ name: "tarpan.compression.type", value, configOperation: 0 }];
      const resource = { resourceType: ResourceType.broker, resourceName: "", configs };
      const request = { resources: [resource], validateOnly: false };
      const { responses } = await broker.call(IncrementalAlterConfigs, 1, request);
      expect(responses).toMatchObject([{ errorCode: 0 }]);
      await broker.produce("t", batchOfValue(LONG));
    }
    const { none, snappy } = Compression;
    expect(await codecs(broker)).toEqual([none, snappy, none]);
  });
});
