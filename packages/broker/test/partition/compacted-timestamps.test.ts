import { expect, it } from "vitest";
import { MemoryEngine } from "../../src/log/memory.ts";
import { findByTimestamp, findMaxTimestamp } from "../../src/partition/find-by-timestamp.ts";
import { Partition } from "../../src/partition/partition.ts";
import { testEnv } from "../env/test-env.ts";
import { OPTIONS } from "../log/batches.ts";
import { batchWith, compact } from "../log/compaction.ts";

const ID = { topic: "t", topicId: "AAAAAAAAAAAAAAAAAAAAAQ", partition: 0 };

it("a search by time finds only records that compaction has left", async () => {
  const options = { ...OPTIONS, segmentBytes: 1 };
  const log = await new MemoryEngine(testEnv()).create(ID, options);
  const partition = await Partition.open(ID, log, 0);
  const append = (key: string, timestamp: number) =>
    log.append(batchWith([{ key, value: "v", timestamp }]), 0);
  for (const timestamp of [9000, 5000, 100]) await append("a", timestamp);
  await append("b", 2000);
  const largest = () => findMaxTimestamp(partition, log.endOffset);
  expect(await largest()).toEqual({ offset: 0, timestamp: 9000 });
  await compact(log);
  expect(await largest()).toEqual({ offset: 3, timestamp: 2000 });
  expect(await findByTimestamp(partition, 50, log.endOffset)).toEqual({
    offset: 2,
    timestamp: 100,
  });
  await append("b", 10);
  await append("c", 20);
  await compact(log);
  expect(await largest()).toEqual({ offset: 2, timestamp: 100 });
});
