import type { ConsumedRecord } from "@tarpan/client";
import { UsageError } from "../terminal/failures.ts";

/** Turns a record into the bytes to print. */
export type RecordFormat = (record: ConsumedRecord) => Uint8Array;

type Part = (record: ConsumedRecord, nullText: string) => string | Uint8Array;

/** By the letter after the percent sign, as in kcat. kcat has no %n, which is a newline. */
const TOKENS: Readonly<Record<string, Part>> = {
  t: ({ topic }) => topic,
  p: ({ partition }) => String(partition),
  o: ({ offset }) => String(offset),
  T: ({ timestamp }) => String(timestamp),
  k: ({ key }, nullText) => key ?? nullText,
  K: ({ key }) => String(key?.length ?? -1),
  s: ({ value }, nullText) => value ?? nullText,
  S: ({ value }) => String(value?.length ?? -1),
  h: ({ headers }) => Buffer.concat(headers.flatMap(headerBytes).slice(1)),
  n: () => "\n",
  "%": () => "%",
};

const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  "\\": "\\",
  "0": "\0",
};

/**
 * `%t [%p] %o: %k=%s\n`. Keys and values are printed byte for byte, null as `nullText`. Throws
 * UsageError for an unknown %x.
 */
export function kcatFormat(format: string, nullText = ""): RecordFormat {
  const parts: Part[] = [];
  const pattern = /%(.?)|\\(?:x([0-9a-fA-F]{2})|(.))|[^%\\]+|\\$/gsu;
  for (const [whole, token, hex, letter] of format.matchAll(pattern)) {
    if (token !== undefined) parts.push(tokenOf(token));
    else if (hex !== undefined) parts.push(constant(Uint8Array.of(Number.parseInt(hex, 16))));
    else parts.push(constant(letter === undefined ? whole : (ESCAPES[letter] ?? whole)));
  }
  return (record) => Buffer.concat(parts.map((part) => toBytes(part(record, nullText))));
}

function tokenOf(name: string): Part {
  const part = TOKENS[name];
  if (part !== undefined) return part;
  const known = Object.keys(TOKENS).map((token) => `%${token}`);
  throw new UsageError(`--format has %${name}, which is none of ${known.join(" ")}`);
}

function constant(text: string | Uint8Array): Part {
  const bytes = toBytes(text);
  return () => bytes;
}

function headerBytes({ key, value }: ConsumedRecord["headers"][number]): Uint8Array[] {
  return [toBytes(","), toBytes(`${key}=`), toBytes(value ?? "NULL")];
}

function toBytes(text: string | Uint8Array): Uint8Array {
  return typeof text === "string" ? Buffer.from(text) : text;
}
