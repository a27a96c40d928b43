import { ended, type Key, type Operation, type Polled } from "./operation.ts";

/** What the polls of a history say is in one partition. */
export class Observed {
  /** Offset → value → an operation that saw it there. */
  readonly byOffset = new Map<number, Map<number, number>>();
  /** Value → offset → an operation that saw it there. */
  readonly byValue = new Map<number, Map<number, number>>();

  add(offset: number, value: number, operation: number): void {
    put(this.byOffset, offset, value, operation);
    put(this.byValue, value, offset, operation);
  }

  get lastOffset(): number {
    let last = -1;
    for (const offset of this.byOffset.keys()) last = Math.max(last, offset);
    return last;
  }
}

function put(
  map: Map<number, Map<number, number>>,
  outer: number,
  inner: number,
  operation: number,
): void {
  const seen = map.get(outer) ?? new Map<number, number>();
  map.set(outer, seen);
  if (!seen.has(inner)) seen.set(inner, operation);
}

/** What was read, and the operation before whose end, or at whose begin, that was. */
interface Read {
  readonly index: number;
  readonly isFinal: boolean;
  readonly records: Polled["records"];
}

/** All polls, and what transactions took in. */
export function readsOf(operations: readonly Operation[]): Read[] {
  const polls = ended(operations, "poll", "ok").map(({ index, value }) => {
    return { index, isFinal: value.group === null, records: value.records };
  });
  const taken = ended(operations, "transaction", "invoke").map(({ index, value }) => {
    return { index, isFinal: false, records: value.read };
  });
  return [...polls, ...taken];
}

/** By partition. With `finalOnly`, what the reads of everything at the end saw. */
export function observations(
  operations: readonly Operation[],
  { finalOnly = false } = {},
): Map<Key, Observed> {
  const observed = new Map<Key, Observed>();
  for (const { index, isFinal, records: all } of readsOf(operations)) {
    if (finalOnly && !isFinal) continue;
    for (const [key, records] of all) {
      const partition = observed.get(key) ?? new Observed();
      observed.set(key, partition);
      for (const [offset, read] of records) partition.add(offset, read, index);
    }
  }
  return observed;
}

/** Of each partition the offsets that are known to hold a record, with their rank. */
export function ranksOf(operations: readonly Operation[]): Map<Key, Map<number, number>> {
  const offsets = new Map<Key, Set<number>>();
  const add = (key: Key, offset: number) => {
    const known = offsets.get(key) ?? new Set<number>();
    offsets.set(key, known.add(offset));
  };
  for (const { value } of ended(operations, "poll", "ok"))
    for (const [key, records] of value.records) for (const [offset] of records) add(key, offset);
  for (const { value } of ended(operations, "send", "ok"))
    for (const { key, offset } of value) if (offset !== undefined) add(key, offset);
  for (const { value } of ended(operations, "transaction", "ok"))
    for (const { key, offset } of value.sent) if (offset !== undefined) add(key, offset);
  const ranked = ([key, known]: [Key, Set<number>]) => {
    const sorted = [...known].sort((a, b) => a - b);
    return [key, new Map(sorted.map((offset, rank) => [offset, rank]))] as const;
  };
  return new Map([...offsets].map(ranked));
}
