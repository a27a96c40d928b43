// Reads Kafka's files of producers, and says what must be in them.
import { expect } from "vitest";
import type { MemoryFiles } from "../env/memory-files.ts";

const DIRECTORY = "/data/t-0/";

/** An entry of a `.snapshot` file. */
export interface InSnapshot {
  readonly producerId: number;
  readonly epoch: number;
  readonly lastSequence: number;
  readonly lastOffset: number;
  readonly offsetDelta: number;
  readonly timestamp: number;
  readonly coordinatorEpoch: number;
  readonly currentTxnFirstOffset: number;
}

/** An entry of a `.txnindex` file. */
export interface InIndex {
  readonly producerId: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly lastStableOffset: number;
}

/** The offsets in the names of the files with this suffix, in order. */
export function offsetsOf(fs: MemoryFiles, suffix: string): number[] {
  const names = fs.paths().filter((path) => path.startsWith(DIRECTORY) && path.endsWith(suffix));
  return names.map((name) => Number(name.slice(DIRECTORY.length, -suffix.length)));
}

export function pathOf(offset: number, suffix: string): string {
  return DIRECTORY + String(offset).padStart(20, "0") + suffix;
}

export function snapshotAt(fs: MemoryFiles, offset: number): InSnapshot[] {
  const bytes = Buffer.from(fs.contentOf(pathOf(offset, ".snapshot")));
  expect(bytes.readInt16BE(0)).toBe(1);
  const int64 = (at: number) => Number(bytes.readBigInt64BE(at));
  const entries = Array.from({ length: bytes.readInt32BE(6) }, (_, i) => {
    const at = 10 + 46 * i;
    return {
      ...{ producerId: int64(at), epoch: bytes.readInt16BE(at + 8) },
      ...{ lastSequence: bytes.readInt32BE(at + 10), lastOffset: int64(at + 14) },
      ...{ offsetDelta: bytes.readInt32BE(at + 22), timestamp: int64(at + 26) },
      ...{ coordinatorEpoch: bytes.readInt32BE(at + 34), currentTxnFirstOffset: int64(at + 38) },
    };
  });
  expect(bytes.byteLength).toBe(10 + 46 * entries.length);
  return entries.sort((a, b) => a.producerId - b.producerId);
}

/** Of the segment that begins at `offset`; none when there is no file. */
export function indexAt(fs: MemoryFiles, offset: number): InIndex[] {
  const path = pathOf(offset, ".txnindex");
  if (!fs.paths().includes(path)) return [];
  const bytes = Buffer.from(fs.contentOf(path));
  const int64 = (at: number) => Number(bytes.readBigInt64BE(at));
  expect(bytes.byteLength % 34).toBe(0);
  expect(bytes.byteLength).toBeGreaterThan(0);
  return Array.from({ length: bytes.byteLength / 34 }, (_, i) => {
    const at = 34 * i;
    expect(bytes.readInt16BE(at)).toBe(0);
    return {
      ...{ producerId: int64(at + 2), firstOffset: int64(at + 10) },
      ...{ lastOffset: int64(at + 18), lastStableOffset: int64(at + 26) },
    };
  });
}

/** A batch or a marker, in the order of the log. */
export interface Written {
  readonly offset: number;
  readonly producerId: number;
  readonly epoch: number;
  /** Of a batch. */
  readonly sequence?: number;
  readonly count?: number;
  /** Of a marker. */
  readonly isCommit?: boolean;
  readonly coordinatorEpoch?: number;
}

/** What follows from all that was written, whatever the log still holds. */
export class ProducerModel {
  readonly written: Written[] = [];

  snapshotAt(offset: number): InSnapshot[] {
    const byId = new Map<number, InSnapshot>();
    for (const one of this.written) {
      if (one.offset >= offset) break;
      byId.set(one.producerId, after(byId.get(one.producerId), one));
    }
    return [...byId.values()].sort((a, b) => a.producerId - b.producerId);
  }

  abortsBetween(from: number, to: number): InIndex[] {
    const open = new Map<number, number>();
    const aborts: InIndex[] = [];
    for (const { offset, producerId, isCommit } of this.written) {
      const firstOffset = open.get(producerId);
      if (isCommit === undefined) open.set(producerId, firstOffset ?? offset);
      else open.delete(producerId);
      if (isCommit !== false || firstOffset === undefined) continue;
      const lastStableOffset = Math.min(...open.values(), offset + 1);
      aborts.push({ producerId, firstOffset, lastOffset: offset, lastStableOffset });
    }
    return aborts.filter(({ lastOffset }) => lastOffset >= from && lastOffset < to);
  }
}

function after(known: InSnapshot | undefined, one: Written): InSnapshot {
  const { offset, producerId, epoch, sequence, count = 0, isCommit } = one;
  const { coordinatorEpoch = -1, currentTxnFirstOffset = -1 } = known ?? {};
  if (isCommit === undefined) {
    const isOpen = currentTxnFirstOffset >= 0;
    return {
      ...{ producerId, epoch, coordinatorEpoch, offsetDelta: count - 1 },
      ...{ lastSequence: sequence! + count - 1, lastOffset: offset + count - 1 },
      timestamp: 1_000 + count - 1,
      currentTxnFirstOffset: isOpen ? currentTxnFirstOffset : offset,
    };
  }
  const batch = known?.epoch === epoch ? known : undefined;
  return {
    ...{ producerId, epoch, coordinatorEpoch: one.coordinatorEpoch ?? 0 },
    ...{ lastSequence: batch?.lastSequence ?? -1, lastOffset: batch?.lastOffset ?? -1 },
    ...{ offsetDelta: batch?.offsetDelta ?? 0, currentTxnFirstOffset: -1 },
    // A marker's is 1000, and never later than that of the last batch.
    timestamp: known?.timestamp ?? 1_000,
  };
}
