import { DescribeLogDirs } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { batchOf } from "../partition/batches.ts";
import { WholeBroker } from "./whole-broker.ts";

it("returns the size of each partition, at every version", async () => {
  const broker = await WholeBroker.start();
  await broker.createTopic("a", 2);
  await broker.createTopic("b");
  await broker.produceRecords("a", 3);
  const sizeBytes = batchOf(3).length;
  for (let version = 1; version <= 5; version++) {
    const { results } = await broker.call(DescribeLogDirs, version, { topics: null });
    expect(results).toHaveLength(1);
    expect(results[0]!.isCordoned).toBe(false);
    const sizes = results[0]!.topics.map(({ name, partitions }) => [
      name,
      partitions.map(({ partitionSize }) => partitionSize),
    ]);
    expect(sizes).toEqual([
      ["a", [sizeBytes, 0]],
      ["b", [0]],
    ]);
  }
  const { results } = await broker.call(DescribeLogDirs, 4, {
    topics: [{ topic: "a", partitions: [1] }],
  });
  expect(results[0]!.topics.map(({ partitions }) => partitions.length)).toEqual([1]);
});
