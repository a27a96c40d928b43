import type { ReadableLog } from "../log/log.ts";
import { readRecords } from "./held-records.ts";
import type { Delivery } from "./records.ts";
import type { HeldRules, OutgoingRecord } from "./rules.ts";

/**
 * Reads what a delivery consists of, in its order, from the log that it was decided in: it was
 * decided by the leader before. Rejects with LogError.
 */
export async function recordsOf(
  { messages, reason, isCheck }: Delivery,
  log: Pick<ReadableLog, "read" | "endOffset">,
  rules: HeldRules,
): Promise<OutgoingRecord[]> {
  const byOffset = new Map<number, OutgoingRecord>();
  const sorted = messages.toSorted((a, b) => a.offset - b.offset);
  const offsets = sorted.map(({ offset }) => offset);
  for await (const stored of readRecords(log, offsets)) {
    const { offset, progress } = sorted[byOffset.size]!;
    const wanted = isCheck ? rules.checks!.check(stored, progress) : rules.read(stored);
    const sent = reason === null ? wanted : rules.deadLetter(wanted, offset, reason);
    byOffset.set(offset, sent.record);
  }
  return messages.map(({ offset }) => byOffset.get(offset)!);
}
