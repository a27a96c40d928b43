// Compares what readers of committed records get from a log that is compacted again and again, and
// opened by scanning it, with a plain map.
import { decodeBatches, encodeBatch, readBatchHeader } from "@tarpan/protocol";
import { expect, test } from "vitest";
import type { Log } from "../../src/log/log.ts";
import { Partition } from "../../src/partition/partition.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";
import { OPTIONS } from "../log/batches.ts";
import { compact } from "../log/compaction.ts";
import { ALWAYS, ID, restart, start } from "../log/segment-fixture.ts";
import { end } from "./transactions.ts";

const SMALL = { ...OPTIONS, segmentBytes: 400 };
const KEYS = 8;
const PRODUCERS = 3;

interface Write {
  readonly key: number;
  readonly value: number;
  readonly offset: number;
}

/** As consumers do: aborted transactions are told by the broker, and end at their markers. */
async function committedIn(partition: Partition): Promise<Map<number, number>> {
  const { log } = partition;
  const values = new Map<number, number>();
  let offset = log.startOffset;
  while (offset < partition.lastStableOffset) {
    const slices = await log.read(offset, 300, partition.lastStableOffset);
    const aborted = partition.abortedIn(slices, offset).map((one) => ({ ...one }));
    const abortedNow = new Set<number>();
    for (const { header, records } of decodeBatches(slices)) {
      for (const { producerId, firstOffset } of aborted) {
        if (firstOffset <= header.lastOffset) abortedNow.add(producerId);
      }
      if (header.isControl) {
        abortedNow.delete(header.producerId);
        for (let i = aborted.length - 1; i >= 0; i--) {
          const { producerId, lastOffset } = aborted[i]!;
          if (producerId === header.producerId && lastOffset <= header.lastOffset) {
            aborted.splice(i, 1);
          }
        }
      } else if (!header.isTransactional || !abortedNow.has(header.producerId)) {
        for (const { key, value } of records()) values.set(key![0]!, value![0]!);
      }
      offset = header.lastOffset + 1;
    }
  }
  return values;
}

test("committed records are those of a log that was never compacted", async () => {
  const random = new SeededRandom(seedOf("compacted transactions"));
  const { log: first, env } = await start(ALWAYS, SMALL);
  let log: Log = first;
  let partition = await Partition.open(ID, log, 0);
  const expected = new Map<number, number>();
  const open = new Map<number, Write[]>();
  const sequences = new Map<number, number>();
  const writtenAt = new Map<number, number>();
  const settle = ({ key, value, offset }: Write) => {
    if (offset < (writtenAt.get(key) ?? -1)) return;
    expected.set(key, value);
    writtenAt.set(key, offset);
  };
  for (let step = 0; step < 700; step++) {
    const producerId = random.below(PRODUCERS + 1) - 1;
    const choice = random.below(12);
    if (choice === 0) {
      const upTo = partition.lastStableOffset;
      await compact(log, {
        ...{
          upTo,
          nowMs: step * 100,
          deleteRetentionMs: 2_000,
          aborted: partition.abortedRanges(),
        },
        producers: partition.lastOffsetsOfProducers(),
      });
    } else if (choice === 1 && step % 3 === 0) {
      log = (await restart(env, SMALL)).log;
      partition = await Partition.open(ID, log, 0);
    } else if (choice < 4 && producerId >= 0) {
      const isCommit = choice === 2;
      await end(partition, isCommit, { producerId });
      if (isCommit) for (const write of open.get(producerId) ?? []) settle(write);
      open.delete(producerId);
    } else {
      const key = random.below(KEYS);
      const value = random.below(256);
      const sequence = sequences.get(producerId) ?? 0;
      sequences.set(producerId, sequence + 1);
      const fields = { producerId, producerEpoch: 0, baseSequence: sequence, transactional: true };
      const record = { key: Uint8Array.of(key), value: Uint8Array.of(value), timestamp: 1_000 };
      const batch = encodeBatch([record], producerId < 0 ? {} : fields);
      const header = readBatchHeader(batch);
      const verification = producerId < 0 ? null : partition.verify(header, false, 0);
      const appended = await partition.append(batch, header, 1_000, null, verification);
      expect(appended.errorCode).toBe(0);
      const write = { key, value, offset: appended.baseOffset };
      if (producerId < 0) settle(write);
      else open.set(producerId, [...(open.get(producerId) ?? []), write]);
    }
  }
  for (let producerId = 0; producerId < PRODUCERS; producerId++) {
    await end(partition, false, { producerId });
  }
  expect(partition.lastStableOffset).toBe(partition.highWatermark);
  expect(await committedIn(partition)).toEqual(expected);
  log = (await restart(env, SMALL)).log;
  const scanned = await Partition.open(ID, log, 0);
  expect(scanned.lastStableOffset).toBe(scanned.highWatermark);
  expect(await committedIn(scanned)).toEqual(expected);
});
