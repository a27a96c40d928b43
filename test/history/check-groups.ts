import type { Anomaly } from "./anomaly.ts";
import { ended, type Key, type Offsets, type Operation, type Polled } from "./operation.ts";

/** Whether groups keep what was committed, commit only what was read, and share without overlap. */
export function checkGroups(operations: readonly Operation[]): Anomaly[] {
  return [...goingBack(operations), ...unread(operations), ...twoOwners(operations)];
}

interface Known {
  readonly offset: number;
  readonly operation: number;
}

/**
 * Whatever is asked or committed after an offset was known to be committed gives one as high. What
 * ran at the same time may be ordered either way, and a commit of unknown outcome may be as late as
 * it likes.
 */
function* goingBack(operations: readonly Operation[]): Generator<Anomaly> {
  const unknown = unknownCommits(operations);
  const known = new Map<string, Known>();
  const knownAtInvoke = new Map<number, ReadonlyMap<string, Known>>();
  for (const { index, type, process, f, value } of operations) {
    if (f !== "commit" && f !== "committed") continue;
    if (type === "invoke") knownAtInvoke.set(process, new Map(known));
    if (type !== "ok") continue;
    for (const [key, offset] of value.offsets) {
      const place = `group ${value.group}, ${key}`;
      const before = knownAtInvoke.get(process)?.get(place);
      const isBack = before !== undefined && offset < before.offset;
      if (isBack && !unknown.has(`${place} ${offset}`)) {
        const message = `${place}: committed offset ${offset} after ${before.offset}`;
        yield { kind: "committed-back", message, operations: [before.operation, index] };
      }
      const newest = known.get(place);
      if (newest === undefined || offset > newest.offset) {
        known.set(place, { offset, operation: index });
      }
    }
  }
}

function unknownCommits(operations: readonly Operation[]): Set<string> {
  const unknown = new Set<string>();
  const pending = new Map<number, Offsets>();
  const add = ({ group, offsets }: Offsets) => {
    for (const [key, offset] of offsets) unknown.add(`group ${group}, ${key} ${offset}`);
  };
  for (const { type, process, value } of ended(
    operations,
    "commit",
    "invoke",
    "ok",
    "fail",
    "info",
  )) {
    if (type === "invoke") pending.set(process, value);
    else pending.delete(process);
    if (type === "info") add(value);
  }
  for (const value of pending.values()) add(value);
  return unknown;
}

/**
 * A record is the group's, once: whoever commits beyond one must have had it, or someone before.
 */
function* unread(operations: readonly Operation[]): Generator<Anomaly> {
  const known = offsetsSent(operations);
  const read = new Map<string, Set<number>>();
  const readOf = (place: string) => {
    const offsets = read.get(place) ?? new Set<number>();
    read.set(place, offsets);
    return offsets;
  };
  const note = (group: string | null, all: Polled["records"]) => {
    if (group === null) return;
    for (const [key, records] of all)
      for (const [offset] of records) readOf(`group ${group}, ${key}`).add(offset);
  };
  for (const { value } of ended(operations, "poll", "ok")) note(value.group, value.records);
  // What an aborted transaction took in has to be taken in again.
  for (const { value } of ended(operations, "transaction", "ok", "info"))
    note(value.commit?.group ?? null, value.read);
  const highest = new Map<string, Known & { key: Key }>();
  for (const { index, value } of commitsOf(operations)) {
    for (const [key, offset] of value.offsets) {
      const place = `group ${value.group}, ${key}`;
      if (offset > (highest.get(place)?.offset ?? -1))
        highest.set(place, { key, offset, operation: index });
    }
  }
  for (const [place, { key, offset, operation }] of highest) {
    const had = readOf(place);
    const left = (known.get(key) ?? []).filter((each) => each < offset && !had.has(each));
    if (left.length === 0) continue;
    const message = `${place}: ${offset} was committed, but nobody was given ${left}`;
    yield { kind: "committed-unread", message, operations: [operation] };
  }
}

function commitsOf(operations: readonly Operation[]): { index: number; value: Offsets }[] {
  const inTransactions = ended(operations, "transaction", "ok").flatMap(({ index, value }) => {
    return value.commit === null ? [] : [{ index, value: value.commit }];
  });
  return [...ended(operations, "commit", "ok"), ...inTransactions];
}

/** Where acknowledged records are, those of transactions if they are committed. */
function offsetsSent(operations: readonly Operation[]): Map<Key, number[]> {
  const offsets = new Map<Key, number[]>();
  const inTransactions = ended(operations, "transaction", "ok").map(({ value }) => value.sent);
  const sends = ended(operations, "send", "ok").map(({ value }) => value);
  for (const value of [...sends, ...inTransactions]) {
    for (const { key, offset } of value) {
      const known = offsets.get(key) ?? [];
      offsets.set(key, known);
      if (offset !== undefined) known.push(offset);
    }
  }
  return offsets;
}

function* twoOwners(operations: readonly Operation[]): Generator<Anomaly> {
  const owners = new Map<string, { process: number; operation: number }>();
  for (const { index, process, value } of ended(operations, "assign", "ok")) {
    if (value.generation === null) continue;
    for (const key of value.keys) {
      const place = `group ${value.group}, generation ${value.generation}, ${key}`;
      const owner = owners.get(place) ?? { process, operation: index };
      owners.set(place, owner);
      if (owner.process === process) continue;
      const message = `${place}: owned by process ${owner.process} and process ${process}`;
      yield { kind: "two-owners", message, operations: [owner.operation, index] };
    }
  }
}
