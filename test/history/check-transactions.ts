import type { Anomaly } from "./anomaly.ts";
import { onCycles } from "./cycles.ts";
import { Observed, observations, readsOf } from "./observations.ts";
import type { Key, Operation } from "./operation.ts";
import { isCommitted, type Transaction, transactionsOf } from "./transactions.ts";

/**
 * Whether transactions are what Kafka promises. These checks hold for readers of committed records:
 *
 * - All records of a transaction are read, or none: those of an aborted one never, those of a
 *   committed one for ever. A reader of several partitions may see one of them before another,
 *   because each gets its own marker.
 * - Nothing is read before the commit was decided.
 * - The offsets that a group commits in transactions share its input without gap or overlap.
 * - The transactions of one transactional id run one after another, whichever process began them.
 *
 * Nothing isolates writers from each other: two transactions of different ids may be interleaved in
 * a partition, and be in opposite order in two. So G0 in its full sense (Adya) is no fault here, as
 * Jepsen also found for Kafka and its relatives. But every dependency that is checked goes from an
 * earlier commit to a later one: within an id because the next transaction begins after the end of
 * the last, and from a write to its reader because only committed records are read, and the reader
 * commits after that. So neither kind of cycle may appear among these.
 */
export function checkTransactions(operations: readonly Operation[]): Anomaly[] {
  const everything = observations(operations);
  const transactions = transactionsOf(operations, everything);
  const writers = new Map<number, Transaction>();
  for (const each of transactions) for (const { value } of each.sent) writers.set(value, each);
  return [
    ...uncommittedReads(operations, writers),
    ...torn(operations, transactions, everything),
    ...takenTwice(transactions),
    ...cycles(transactions, writers, everything),
  ];
}

function* uncommittedReads(
  operations: readonly Operation[],
  writers: ReadonlyMap<number, Transaction>,
): Generator<Anomaly> {
  for (const { index, records } of readsOf(operations)) {
    for (const [key, all] of records) {
      for (const [offset, value] of all) {
        const writer = writers.get(value);
        if (writer === undefined || writer.invoked < index || !isCommitted(writer)) continue;
        const message = `${key}: value ${value} was read at ${offset} before its commit was asked for`;
        yield { kind: "uncommitted-read", message, operations: [index, writer.invoked] };
      }
    }
  }
}

/** Of unknown end, and yet there. What is missing of the others is found as a lost write. */
function* torn(
  operations: readonly Operation[],
  transactions: readonly Transaction[],
  everything: ReadonlyMap<Key, Observed>,
): Generator<Anomaly> {
  const finals = observations(operations, { finalOnly: true });
  for (const { outcome, sent, ended, transactionalId } of transactions) {
    if (outcome !== "seen") continue;
    const left = sent.filter(({ key, value }) => {
      const inTheEnd = finals.get(key) ?? everything.get(key) ?? new Observed();
      return !inTheEnd.byValue.has(value);
    });
    if (left.length === 0) continue;
    const missing = left.map(({ key, value }) => `${value} in ${key}`).join(", ");
    const message = `${transactionalId}: of ${sent.length} records these are missing: ${missing}`;
    yield { kind: "torn-transaction", message, operations: [ended] };
  }
}

function* takenTwice(transactions: readonly Transaction[]): Generator<Anomaly> {
  const takers = new Map<string, Transaction>();
  for (const each of transactions) {
    if (each.commit === null || !isCommitted(each)) continue;
    for (const [key, records] of each.read) {
      for (const [offset] of records) {
        const place = `group ${each.commit.group}, ${key}: offset ${offset}`;
        const other = takers.get(place) ?? each;
        takers.set(place, other);
        if (other === each) continue;
        const message = `${place} was taken in by ${other.transactionalId} and by ${each.transactionalId}`;
        yield { kind: "taken-twice", message, operations: [other.ended, each.ended] };
      }
    }
  }
}

type Edges = Map<Transaction, Set<Transaction>>;

function* cycles(
  transactions: readonly Transaction[],
  writers: ReadonlyMap<number, Transaction>,
  everything: ReadonlyMap<Key, Observed>,
): Generator<Anomaly> {
  const edges: Edges = new Map();
  addOrderOfIds(edges, transactions);
  addOrderOfWrites(edges, transactions, everything);
  const written = onCycles(edges);
  if (written.length > 0) yield cycle("G0", written);
  addReads(edges, transactions, writers);
  const all = onCycles(edges).filter((each) => !written.includes(each));
  if (all.length > 0) yield cycle("G1c", all);
}

function cycle(kind: "G0" | "G1c", members: readonly Transaction[]): Anomaly {
  const names = members.map(({ transactionalId, ended }) => `${transactionalId} (${ended})`);
  const message = `each depends on itself: ${names.join(", ")}`;
  return { kind, message, operations: members.map(({ ended }) => ended) };
}

function add(edges: Edges, from: Transaction | undefined, to: Transaction): void {
  if (from === undefined || from === to) return;
  const targets = edges.get(from) ?? new Set();
  edges.set(from, targets.add(to));
}

/** Of a transactional id, one commit was answered before the next one was asked for. */
function addOrderOfIds(edges: Edges, transactions: readonly Transaction[]): void {
  const before = new Map<string, Transaction>();
  for (const each of transactions) {
    if (each.outcome !== "committed") continue;
    const last = before.get(each.transactionalId);
    if (last !== undefined && last.ended < each.invoked) add(edges, last, each);
    before.set(each.transactionalId, each);
  }
}

/** In each partition, the order in which the records of one transactional id are there. */
function addOrderOfWrites(
  edges: Edges,
  transactions: readonly Transaction[],
  everything: ReadonlyMap<Key, Observed>,
): void {
  const places = new Map<string, { offset: number; writer: Transaction }[]>();
  for (const writer of transactions) {
    for (const { key, value, offset: told } of writer.sent) {
      const read = everything.get(key)?.byValue.get(value)?.keys().next().value;
      const offset = told ?? read;
      if (offset === undefined) continue;
      const place = `${writer.transactionalId} ${key}`;
      const known = places.get(place) ?? [];
      places.set(place, known);
      known.push({ offset, writer });
    }
  }
  for (const records of places.values()) {
    records.sort((a, b) => a.offset - b.offset);
    for (const [i, { writer }] of records.entries()) add(edges, records[i - 1]?.writer, writer);
  }
}

function addReads(
  edges: Edges,
  transactions: readonly Transaction[],
  writers: ReadonlyMap<number, Transaction>,
): void {
  for (const reader of transactions) {
    if (!isCommitted(reader)) continue;
    for (const records of reader.read.values())
      for (const [, value] of records) add(edges, writers.get(value), reader);
  }
}
