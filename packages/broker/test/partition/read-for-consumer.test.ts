import { expect, it } from "vitest";
import { Partition } from "../../src/partition/partition.ts";
import { readForConsumer } from "../../src/partition/read-for-consumer.ts";
import { baseOffsetOf, nextOffsetOf, OPTIONS } from "../log/batches.ts";
import { batchWith, compact } from "../log/compaction.ts";
import { ALWAYS, ID, start } from "../log/segment-fixture.ts";

const PRODUCERS = 40;
const EMPTY_BYTES = 61;

/** The last batches of many producers, without records, and one batch with some behind them. */
async function afterManyProducers(): Promise<Partition> {
  const { log } = await start(ALWAYS, { ...OPTIONS, segmentBytes: 1 });
  const partition = await Partition.open(ID, log, 0);
  for (let producerId = 0; producerId < PRODUCERS; producerId++) {
    const fields = { producerId, producerEpoch: 0, baseSequence: 0 };
    await log.append(batchWith([{ key: "a", value: "v" }], fields), 0);
  }
  for (let i = 0; i < 2; i++) await log.append(batchWith([{ key: "a", value: "v" }]), 0);
  const producers = Float64Array.from({ length: 2 * PRODUCERS }, (_, i) => i >> 1);
  await compact(log, { producers });
  return partition;
}

it("leaves out batches without records when the next records would not fit", async () => {
  const partition = await afterManyProducers();
  const { batches, sizeBytes } = await readForConsumer(partition, 0, 200, PRODUCERS + 1);
  expect(sizeBytes).toBeLessThanOrEqual(200);
  expect(nextOffsetOf(batches.at(-1)!)).toBe(PRODUCERS + 1);
  const all = await readForConsumer(partition, 0, 1 << 20, PRODUCERS + 1);
  expect(all.batches.map(baseOffsetOf)).toEqual([...Array(PRODUCERS + 1).keys()]);
});

it("moves a consumer on to the end when there are no more records", async () => {
  const partition = await afterManyProducers();
  const { batches, sizeBytes } = await readForConsumer(partition, 3, 10, PRODUCERS);
  expect(sizeBytes).toBe(EMPTY_BYTES);
  expect(batches.map(nextOffsetOf)).toEqual([PRODUCERS]);
});
