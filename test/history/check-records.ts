import type { Anomaly } from "./anomaly.ts";
import { Observed, observations } from "./observations.ts";
import { ended, type Key, type Operation } from "./operation.ts";

/**
 * Whether every partition holds what was sent to it: all that was acknowledged, once, in its place.
 */
export function checkRecords(operations: readonly Operation[]): Anomaly[] {
  const everything = observations(operations);
  const sends = sendsOf(operations);
  return [
    ...missing(operations, sends, everything),
    ...[...everything].flatMap(([key, observed]) => [
      ...duplicates(key, observed),
      ...divergence(key, observed),
      ...unrightful(key, observed, sends),
    ]),
    ...moved(sends, everything),
  ];
}

interface Send {
  readonly key: Key;
  readonly value: number;
  readonly offset: number | undefined;
  readonly type: Operation["type"];
  readonly operation: number;
}

/** By value, those in transactions too. What has not ended may have been stored. */
function sendsOf(operations: readonly Operation[]): Map<number, Send> {
  const sends = new Map<number, Send>();
  for (const { type, index, value } of ended(operations, "send", "invoke", "ok", "fail", "info"))
    for (const { key, value: sent, offset } of value)
      sends.set(sent, { key, value: sent, offset, type, operation: index });
  for (const { type, index, value } of ended(
    operations,
    "transaction",
    "invoke",
    "ok",
    "fail",
    "info",
  ))
    for (const { key, value: sent, offset } of value.sent)
      sends.set(sent, { key, value: sent, offset, type, operation: index });
  return sends;
}

/**
 * Records that were acknowledged, or read by somebody, and are not in the read of everything (or,
 * where there was none, in no poll).
 */
function* missing(
  operations: readonly Operation[],
  sends: ReadonlyMap<number, Send>,
  everything: ReadonlyMap<Key, Observed>,
): Generator<Anomaly> {
  const finals = observations(operations, { finalOnly: true });
  const inTheEnd = (key: Key) => finals.get(key) ?? everything.get(key) ?? new Observed();
  const report = (key: Key, value: number, offset: number | undefined, by: string, at: number) => {
    const last = inTheEnd(key).lastOffset;
    const isTail = offset === undefined || offset > last;
    const how = isTail ? `the last that is there is ${last}` : "later ones are there";
    const message = `${key}: value ${value}, ${by} at offset ${offset}, is gone; ${how}`;
    return { kind: isTail ? "unseen" : "lost-write", message, operations: [at] } as const;
  };
  for (const { type, key, value, offset, operation } of sends.values()) {
    if (type !== "ok" || inTheEnd(key).byValue.has(value)) continue;
    yield report(key, value, offset, "acknowledged", operation);
  }
  for (const [key, { byValue }] of everything) {
    for (const [value, offsets] of byValue) {
      if (inTheEnd(key).byValue.has(value) || sends.get(value)?.type === "ok") continue;
      const [offset, operation] = [...offsets][0]!;
      yield report(key, value, offset, "read", operation);
    }
  }
}

function* duplicates(key: Key, { byValue }: Observed): Generator<Anomaly> {
  for (const [value, offsets] of byValue) {
    if (offsets.size < 2) continue;
    const message = `${key}: value ${value} at the offsets ${[...offsets.keys()]}`;
    yield { kind: "duplicate", message, operations: [...offsets.values()] };
  }
}

function* divergence(key: Key, { byOffset }: Observed): Generator<Anomaly> {
  for (const [offset, values] of byOffset) {
    if (values.size < 2) continue;
    const message = `${key}: offset ${offset} was read as ${[...values.keys()].join(" and ")}`;
    yield { kind: "inconsistent-offsets", message, operations: [...values.values()] };
  }
}

/** Acknowledged at one offset, read at another or with something else in its place. */
function* moved(
  sends: ReadonlyMap<number, Send>,
  everything: ReadonlyMap<Key, Observed>,
): Generator<Anomaly> {
  const acknowledged = new Map<string, Send>();
  for (const send of sends.values()) {
    const { type, key, value, offset, operation } = send;
    if (type !== "ok" || offset === undefined) continue;
    const place = `${key}@${offset}`;
    const other = acknowledged.get(place);
    acknowledged.set(place, send);
    if (other !== undefined) {
      const message = `${key}: offset ${offset} was acknowledged for ${other.value} and ${value}`;
      yield { kind: "inconsistent-offsets", message, operations: [other.operation, operation] };
    }
    for (const [readAt, reader] of everything.get(key)?.byValue.get(value) ?? []) {
      if (readAt === offset) continue;
      const message = `${key}: value ${value} was acknowledged at ${offset}, read at ${readAt}`;
      yield { kind: "inconsistent-offsets", message, operations: [operation, reader] };
    }
  }
}

function* unrightful(
  key: Key,
  { byValue }: Observed,
  sends: ReadonlyMap<number, Send>,
): Generator<Anomaly> {
  for (const [value, offsets] of byValue) {
    const send = sends.get(value);
    const readers = [...offsets.values()];
    if (send === undefined || send.key !== key) {
      const message = `${key}: value ${value} was never sent there`;
      yield { kind: "phantom", message, operations: readers };
    } else if (send.type === "fail") {
      const message = `${key}: value ${value} is there, although its send or its transaction had failed`;
      yield { kind: "aborted-read", message, operations: [send.operation, ...readers] };
    }
  }
}
