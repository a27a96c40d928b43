import { recordCountAt, viewOf } from "@tarpan/protocol";

/** Whether a batch has records: those that compaction has emptied have none. */
export function hasRecords(batch: Uint8Array): boolean {
  return recordCountAt(viewOf(batch), 0) > 0;
}
