// Partitions that deduplicate, and batches with message ids.
import { compress, crc32c, decompress } from "@tarpan/codecs";
import {
  type BatchFields,
  decodeBatches,
  encodeBatch,
  readBatchHeader,
  recordsField,
} from "@tarpan/protocol";
import { expect } from "vitest";
import type { Log } from "../../src/log/log.ts";
import type { LogEngine } from "../../src/log/log-engine.ts";
import { MemoryEngine } from "../../src/log/memory.ts";
import { batchIdsOf, MESSAGE_ID_HEADER } from "../../src/partition/batch-ids.ts";
import { type DedupeRules, MessageIds } from "../../src/partition/message-ids.ts";
import { Partition } from "../../src/partition/partition.ts";
import { ManualTime } from "../env/manual-time.ts";
import { OPTIONS } from "../log/batches.ts";
import { ID } from "../log/jetstream/world.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** A batch with a record for each id; one without an id for null. */
export function batchOf(ids: readonly (string | null)[], fields: BatchFields = {}): Uint8Array {
  const records = ids.map((id, index) => ({
    ...{ key: null, value: bytes(`value of ${id}`), timestamp: 1_000 + index },
    headers: id === null ? [] : [{ key: MESSAGE_ID_HEADER, value: bytes(id) }],
  }));
  return encodeBatch(records, { compress, ...fields });
}

export function append(partition: Partition, batch: Uint8Array) {
  const header = readBatchHeader(batch);
  const records = recordsField(batch, header, decompress, 1 << 20);
  const { ids, errors } = batchIdsOf(records, header.recordCount);
  expect(errors).toEqual([]);
  return partition.append(batch, header, 0, ids);
}

export const RULES: DedupeRules = { ttlMs: 10_000, maxIds: 1_000 };

export interface Opened {
  readonly engine: LogEngine;
  readonly log: Log;
  readonly partition: Partition;
  readonly time: ManualTime;
}

export async function open(
  engine: LogEngine = new MemoryEngine({ clock: new ManualTime() }),
  { rules = RULES, time = new ManualTime() } = {},
): Promise<Opened> {
  const isNew = (await engine.list()).length === 0;
  const log = isNew ? await engine.create(ID, OPTIONS) : await engine.open(ID, OPTIONS);
  const ids = new MessageIds(time, rules);
  const partition = await Partition.open(ID, log, 0, undefined, ids);
  return { engine, log, partition, time };
}

export const reopen = ({ engine, time }: Opened, rules = RULES) => open(engine, { rules, time });

/** The ids in the log, by offset, and the batches, each as its first and last offset and count. */
export async function stored(log: Log) {
  const records: [number, string | null][] = [];
  const batches: [number, number, number][] = [];
  for (let at = log.startOffset; at < log.endOffset; ) {
    for (const batch of decodeBatches(await log.read(at, 1 << 20), { decompress, crc32c })) {
      const { baseOffset, lastOffset, recordCount } = batch.header;
      batches.push([baseOffset, lastOffset, recordCount]);
      for (const { offset, headers } of batch.records()) {
        const id = headers.find(({ key }) => key === MESSAGE_ID_HEADER)?.value ?? null;
        records.push([offset, id && new TextDecoder().decode(id)]);
      }
      at = lastOffset + 1;
    }
  }
  return { records, batches };
}
