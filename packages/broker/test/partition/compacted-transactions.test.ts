// Compares what readers of committed records get from a log that is compacted again and again, and
// opened by scanning it, with a plain map.
import { decodeBatches, encodeBatch, readBatchHeader, readEndTransaction } from "@tarpan/protocol";
import { expect, test } from "vitest";
import type { Log } from "../../src/log/log.ts";
import { Partition } from "../../src/partition/partition.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";
import { OPTIONS } from "../log/batches.ts";
import { compact } from "../log/compaction.ts";
import { ALWAYS, ID, restart, start } from "../log/segment-fixture.ts";
import { end } from "./transactions.ts";

const SMALL = { ...OPTIONS, segmentBytes: 400 };
const KEYS = 60;
const PRODUCERS = 3;
const STEPS = 800;

interface Write {
  readonly key: number;
  readonly value: number;
  readonly offset: number;
}

/** As the Java client does: an aborted transaction ends at the marker of an abort. */
async function committedIn(partition: Partition): Promise<Map<number, number>> {
  const { log } = partition;
  const values = new Map<number, number>();
  let offset = log.startOffset;
  while (offset < partition.lastStableOffset) {
    const slices = await log.read(offset, 1 << 20, partition.lastStableOffset);
    const told = partition.abortedIn(slices, offset);
    const waiting = [...told].sort((a, b) => a.firstOffset - b.firstOffset);
    const aborted = new Set<number>();
    for (const { header, bytes, records } of decodeBatches(slices)) {
      while (waiting.length > 0 && waiting[0]!.firstOffset <= header.lastOffset) {
        aborted.add(waiting.shift()!.producerId);
      }
      const { producerId, isTransactional } = header;
      if (header.isControl) {
        if (readEndTransaction(bytes, 0, header)?.isCommit === false) aborted.delete(producerId);
      } else if (!isTransactional || !aborted.has(producerId)) {
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
  /** Aborts what is open, so that everything can be read. */
  const check = async () => {
    for (let producerId = 0; producerId < PRODUCERS; producerId++) {
      await end(partition, false, { producerId });
    }
    open.clear();
    expect(partition.lastStableOffset).toBe(partition.highWatermark);
    expect(await committedIn(partition)).toEqual(expected);
  };
  for (let step = 0; step < STEPS; step++) {
    if (step % 70 === 69) await check();
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
  await check();
  log = (await restart(env, SMALL)).log;
  const scanned = await Partition.open(ID, log, 0);
  expect(scanned.lastStableOffset).toBe(scanned.highWatermark);
  expect(await committedIn(scanned)).toEqual(expected);
});
