import { type Edn, edn, keyword } from "./edn.ts";
import type { Key, Offsets, Operation, Polled, Sent } from "./operation.ts";

/**
 * A history as jepsen.tests.kafka reads it: one operation map a line. That names partitions by
 * integers; comments at the top say which is which. Operations it does not know (`:commit`,
 * `:committed`) its checkers pass over.
 */
export function jepsenHistory(operations: readonly Operation[]): string {
  const numbers = numbersOf(operations);
  const names = [...numbers].map(([key, number]) => `; ${number} = ${key}`);
  const lines = operations.map((operation) => edn(operationMap(operation, numbers)));
  return `${[...names, ...lines].join("\n")}\n`;
}

type Numbers = ReadonlyMap<Key, number>;

function numbersOf(operations: readonly Operation[]): Numbers {
  const keys = new Set(operations.flatMap(keysOf));
  const sorted = [...keys].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  return new Map(sorted.map((key, number) => [key, number]));
}

function keysOf({ f, value }: Operation): Key[] {
  if (f === "send") return value.map(({ key }) => key);
  if (f === "poll") return [...value.records.keys()];
  if (f === "transaction") return [...value.sent.map(({ key }) => key), ...value.read.keys()];
  if (f === "assign") return [...value.keys];
  return [...value.offsets.keys()];
}

function operationMap(operation: Operation, numbers: Numbers): Edn {
  const { index, type, process, timeNs, f, error } = operation;
  return {
    index,
    type: keyword(type),
    process,
    time: Math.round(timeNs),
    f: keyword(f === "transaction" ? "txn" : f),
    value: microOperations(operation, numbers),
    ...(error === undefined ? {} : { error }),
  };
}

function microOperations({ type, f, value }: Operation, numbers: Numbers): Edn {
  if (f === "send") return value.map((sent) => send(sent, numbers));
  if (f === "poll") return [type === "ok" ? poll(value, numbers) : [keyword("poll")]];
  if (f === "transaction") {
    const read = value.read.size === 0 ? [] : [poll({ records: value.read }, numbers)];
    return [...read, ...value.sent.map((sent) => send(sent, numbers))];
  }
  if (f === "assign") return value.keys.map((key) => numbers.get(key)!);
  return offsetMap(value, numbers);
}

function send({ key, value, offset }: Sent, numbers: Numbers): Edn {
  return [keyword("send"), numbers.get(key)!, offset === undefined ? value : [offset, value]];
}

function poll({ records }: Pick<Polled, "records">, numbers: Numbers): Edn {
  const byNumber = new Map<Edn, Edn>();
  for (const [key, read] of records) byNumber.set(numbers.get(key)!, read);
  return [keyword("poll"), byNumber];
}

function offsetMap({ offsets }: Offsets, numbers: Numbers): Edn {
  return new Map<Edn, Edn>([...offsets].map(([key, offset]) => [numbers.get(key)!, offset]));
}
