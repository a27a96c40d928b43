import type { Anomaly } from "./anomaly.ts";
import { ranksOf } from "./observations.ts";
import { ended, type Key, type Operation } from "./operation.ts";

/**
 * Whether every process sees the order of the log, whole, in what it polls and in what it sends.
 */
export function checkOrder(operations: readonly Operation[]): Anomaly[] {
  return [...polls(operations), ...sends(operations)];
}

interface Position {
  readonly offset: number;
  readonly operation: number;
}

/** Offsets may be left out where no record is (markers of transactions), so ranks are compared. */
function* polls(operations: readonly Operation[]): Generator<Anomaly> {
  const ranks = ranksOf(operations);
  const positions = new Map<number, Map<Key, Position>>();
  for (const { index, type, process, f, value } of operations) {
    if (type !== "ok") continue;
    const mine = positions.get(process) ?? new Map<Key, Position>();
    positions.set(process, mine);
    // What is given up, and perhaps had again, is read from wherever the group is by then.
    if (f === "assign")
      for (const key of [...mine.keys()]) if (!value.keys.includes(key)) mine.delete(key);
    if (f !== "poll") continue;
    for (const [key, records] of value.records) {
      for (const [offset] of records) {
        const before = mine.get(key);
        mine.set(key, { offset, operation: index });
        if (before === undefined) continue;
        const rank = ranks.get(key)!;
        const step = rank.get(offset)! - rank.get(before.offset)!;
        if (step === 1) continue;
        const kind = step > 1 ? "poll-skip" : "nonmonotonic-poll";
        const left = step > 1 ? `, which leaves out ${step - 1} records` : "";
        const message = `${key}: process ${process} read ${offset} after ${before.offset}${left}`;
        yield { kind, message, operations: [before.operation, index] };
      }
    }
  }
}

/** Sends of unknown outcome say nothing: a request that was given up may still be under way. */
function* sends(operations: readonly Operation[]): Generator<Anomaly> {
  const positions = new Map<string, Position>();
  for (const { index, process, value } of ended(operations, "send", "ok")) {
    for (const { key, offset } of value) {
      if (offset === undefined) continue;
      const place = `${process} ${key}`;
      const before = positions.get(place);
      positions.set(place, { offset, operation: index });
      if (before === undefined || offset > before.offset) continue;
      const message = `${key}: process ${process} sent to ${offset} after ${before.offset}`;
      yield { kind: "nonmonotonic-send", message, operations: [before.operation, index] };
    }
  }
}
