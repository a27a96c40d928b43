import { expect } from "vitest";
import type { LogOptions } from "../../src/log/log.ts";
import type { LogEngine } from "../../src/log/log-engine.ts";
import { Partition } from "../../src/partition/partition.ts";
import { batchOf, headerOf } from "./batches.ts";

export const ID = { topic: "t", topicId: "6ba7b810-9dad-41d1-80b4-00c04fd430c8", partition: 0 };
export const OPTIONS: LogOptions = {
  segmentBytes: 1 << 30,
  segmentMs: 1 << 30,
  indexIntervalBytes: 4096,
};

export const create = async (engine: LogEngine) => {
  return Partition.open(ID, await engine.create(ID, OPTIONS), 0);
};
export const open = async (engine: LogEngine) => {
  return Partition.open(ID, await engine.open(ID, OPTIONS), 0);
};

export interface Sent {
  readonly producerId: number;
  readonly epoch?: number;
  readonly sequence?: number;
  readonly count?: number;
  readonly transactional?: boolean;
  /** Each transaction has an epoch of its own. */
  readonly bumpsEpoch?: boolean;
}

/** Appends a batch as the produce path does, with a coordinator that knows of every transaction. */
export function send(partition: Partition, sent: Sent) {
  const { producerId, epoch = 0, sequence = 0, count = 1, transactional = true } = sent;
  const producer = { producerId, producerEpoch: epoch, baseSequence: sequence, transactional };
  const batch = batchOf(count, producer);
  const header = headerOf(batch);
  const verification = partition.verify(header, sent.bumpsEpoch ?? false, 0);
  return partition.append(batch, header, 1_000, null, verification);
}

export interface Marked {
  readonly producerId: number;
  readonly epoch?: number;
  readonly coordinatorEpoch?: number;
  readonly bumpsEpoch?: boolean;
}

export function end(partition: Partition, isCommit: boolean, marked: Marked) {
  const { producerId, epoch = 0, coordinatorEpoch = 0, bumpsEpoch = false } = marked;
  const fields = { producerId, producerEpoch: epoch, coordinatorEpoch, bumpsEpoch };
  return partition.endTransaction({ ...fields, isCommit, timestamp: 1_000 });
}

/** What a reader of committed records is told of the records from `offset` on. */
export async function abortedFrom(partition: Partition, offset: number) {
  const records = await partition.log.read(offset, 1 << 20, partition.lastStableOffset);
  return partition.abortedIn(records, offset).map(({ producerId, firstOffset }) => {
    return [producerId, firstOffset];
  });
}

export async function expectError(append: Promise<{ errorCode: number }>, errorCode: number) {
  expect((await append).errorCode).toBe(errorCode);
}
