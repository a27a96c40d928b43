// What a partition learns from its log besides records, after compaction has removed most of it and
// the broker was killed: sequences, leader epochs, message ids.
import { setImmediate as turn } from "node:timers/promises";
import { ErrorCode, encodeBatch, readBatchHeader } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { Partition } from "../../src/partition/partition.ts";
import { MemoryFiles } from "../env/memory-files.ts";
import { WholeBroker } from "../handlers/whole-broker.ts";
import { OPTIONS } from "../log/batches.ts";
import { batchWith, compact } from "../log/compaction.ts";
import { ALWAYS, ID, restart, start } from "../log/segment-fixture.ts";

const ONE_EACH = { ...OPTIONS, segmentBytes: 1 };
const PRODUCERS = [7, 8];

it("a killed broker knows the last five batches of producers that were compacted away", async () => {
  const files = new MemoryFiles();
  const broker = await WholeBroker.startWith({ files });
  await broker.createTopic("t", 1, { "cleanup.policy": "compact", "segment.bytes": `${1 << 20}` });
  for (let i = 0; i < 6; i++) {
    for (const producerId of PRODUCERS)
      expect(await broker.produce("t", batchOf(producerId, i))).toMatchObject(
        success(2 * i + producerId - 7),
      );
  }
  for (let i = 0; i < 8; i++) await broker.produce("t", batchOf(-1, 0));
  broker.time.advance(15_000);
  for (let i = 0; i < 60; i++) await turn();
  expect(broker.broker.partitions.cleaner.total.runs).toBe(1);
  const crashed = files.crashedAt(files.changes.length, { kind: "process" });
  const again = await WholeBroker.startWith({ files: crashed });
  for (const producerId of PRODUCERS) {
    for (let i = 1; i < 6; i++) {
      const retried = await again.produce("t", batchOf(producerId, i));
      expect(retried).toMatchObject(success(2 * i + producerId - 7));
    }
    const next = await again.produce("t", batchOf(producerId, 6));
    expect(next).toMatchObject(success(20 + producerId - 7));
    const gap = await again.produce("t", batchOf(producerId, 9));
    expect(gap.errorCode).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
  }
});

it("a scan of a compacted log finds each producer's last batch, and all leader epochs", async () => {
  const { log, env } = await start(ALWAYS, ONE_EACH);
  const partition = await Partition.open(ID, log, 0);
  for (let epoch = 0; epoch < 4; epoch++) {
    partition.lead(epoch);
    for (const producerId of PRODUCERS) await append(partition, producerId, epoch);
    await append(partition, -1, -1);
  }
  await append(partition, -1, -1);
  const epochs = () => [0, 1, 2, 3].map((epoch) => partition.endOfEpoch(epoch));
  const before = epochs();
  log.configure({ segmentBytes: 1 << 20 });
  await compact(log, { producers: partition.lastOffsetsOfProducers() });
  expect(log.sizeBytes).toBeLessThan(600);
  const again = await restart(env, ONE_EACH);
  const scanned = await Partition.open(ID, again.log, 3);
  expect([0, 1, 2, 3].map((epoch) => scanned.endOfEpoch(epoch))).toEqual(before);
  for (const producerId of PRODUCERS) {
    expect(await append(scanned, producerId, 3)).toMatchObject(success(9 + producerId - 7));
    expect(await append(scanned, producerId, 4)).toMatchObject(success(13 + producerId - 7));
  }
});

const success = (baseOffset: number) => ({ errorCode: ErrorCode.NONE, baseOffset });

/** All batches have the same key; those of producers have the sequence `index`. */
function batchOf(producerId: number, index: number): Uint8Array {
  const record = { key: Uint8Array.of(1), value: new Uint8Array(150_000), timestamp: 1.7e12 };
  return encodeBatch([record], fieldsOf(producerId, index));
}

function fieldsOf(producerId: number, baseSequence: number) {
  return producerId < 0 ? {} : { producerId, producerEpoch: 0, baseSequence };
}

function append(partition: Partition, producerId: number, index: number) {
  const batch = batchWith([{ key: "a", value: "v" }], fieldsOf(producerId, index));
  return partition.append(batch, readBatchHeader(batch));
}
