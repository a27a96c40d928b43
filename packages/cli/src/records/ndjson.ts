// Records as JSON, one per line. UTF-8 is written as text in `key` and `value`, other bytes as
// base64 in `keyBase64` and `valueBase64`. Headers are [name, value] pairs, because names may
// repeat.
import type { ConsumedRecord, HeaderInput, ProducerRecord } from "@tarpan/client";
import { CommandError } from "../terminal/failures.ts";
import type { RecordFormat } from "./format.ts";

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export const ndjsonFormat: RecordFormat = (record) =>
  Buffer.from(`${JSON.stringify(recordJson(record))}\n`);

export function recordJson(record: ConsumedRecord) {
  const { topic, partition, offset, timestamp, key, value, headers } = record;
  return {
    topic,
    partition,
    offset,
    timestamp,
    ...named("key", key),
    ...named("value", value),
    headers: headers.map((h) => [h.key, h.value === null ? null : Buffer.from(h.value).toString()]),
  };
}

function named(name: "key" | "value", bytes: Uint8Array | null): Record<string, string | null> {
  if (bytes === null) return { [name]: null };
  try {
    return { [name]: strictUtf8.decode(bytes) };
  } catch {
    return { [`${name}Base64`]: Buffer.from(bytes).toString("base64") };
  }
}

type Json = Readonly<Record<string, unknown>>;

const FIELDS = ["topic", "partition", "offset", "timestamp", "key", "keyBase64"];
const KNOWN = new Set([...FIELDS, "value", "valueBase64", "headers"]);

/**
 * Reads what `ndjsonFormat` writes. Only the value is required. A value that is not a string is
 * sent as JSON.
 */
export function parseRecord(line: string, where: string): Omit<ProducerRecord, "topic"> {
  let json: Json;
  try {
    json = JSON.parse(line);
  } catch (error) {
    throw new CommandError(`${where}: not JSON: ${(error as Error).message}`);
  }
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw new CommandError(`${where}: must be a JSON object such as {"key":"k","value":"v"}`);
  for (const name of Object.keys(json))
    if (!KNOWN.has(name)) throw new CommandError(`${where}: unknown field ${JSON.stringify(name)}`);
  if (!("value" in json) && !("valueBase64" in json))
    throw new CommandError(`${where}: has no value; a tombstone says "value":null`);
  return {
    key: bytesOf(json, "key"),
    value: bytesOf(json, "value"),
    headers: headersOf(json.headers, where),
    partition: numberOf(json, "partition", where),
    timestamp: numberOf(json, "timestamp", where),
  };
}

function bytesOf(json: Json, name: "key" | "value"): Uint8Array | string | null {
  const base64 = json[`${name}Base64`];
  if (typeof base64 === "string") return Buffer.from(base64, "base64");
  const value = json[name] ?? null;
  return value === null || typeof value === "string" ? value : JSON.stringify(value);
}

function headersOf(headers: unknown, where: string): HeaderInput[] {
  if (headers === undefined || headers === null) return [];
  const pairs = Array.isArray(headers) ? headers : Object.entries(headers);
  return pairs.map((pair) => {
    if (!Array.isArray(pair) || typeof pair[0] !== "string")
      throw new CommandError(`${where}: headers must be [["name","value"], …]`);
    return { key: pair[0], value: typeof pair[1] === "string" ? pair[1] : null };
  });
}

function numberOf(json: Json, name: string, where: string): number | undefined {
  const value = json[name];
  if (value === undefined || value === null) return undefined;
  if (Number.isSafeInteger(value)) return value as number;
  throw new CommandError(`${where}: ${name} must be a whole number`);
}
