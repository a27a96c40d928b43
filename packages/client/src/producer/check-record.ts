import { ClientError } from "../errors.ts";
import type { ProducerRecord } from "../record.ts";

/**
 * Throws TARPAN_BAD_RECORD. It runs for every record, so unlike checks/checks.ts it allocates
 * nothing for a valid one.
 */
export function checkRecord(record: ProducerRecord): void {
  if (typeof record !== "object" || record === null) throw bad("a record must be an object");
  const { topic, partition, key, value, headers, timestamp } = record;
  if (typeof topic !== "string" || topic === "")
    throw bad("topic must be a string that is not empty");
  if (!isContent(value)) throw bad(`value must be ${CONTENT}${value === undefined ? HINT : ""}`);
  if (key !== undefined && !isContent(key)) throw bad(`key must be ${CONTENT}`);
  if (partition !== undefined && !(Number.isInteger(partition) && partition >= 0))
    throw bad("partition must be a whole number, 0 or more, or left out");
  if (timestamp !== undefined && !Number.isSafeInteger(timestamp))
    throw bad("timestamp must be a whole number of ms since the epoch, or left out");
  if (headers !== undefined) checkHeaders(headers);
}

const CONTENT = "a string, a Uint8Array or null";
const HINT = "; it is missing: use null for a tombstone";

function isContent(value: unknown): boolean {
  return typeof value === "string" || value === null || value instanceof Uint8Array;
}

function checkHeaders(headers: NonNullable<ProducerRecord["headers"]>): void {
  if (!Array.isArray(headers)) throw bad("headers must be an array of { key, value }");
  for (const header of headers) {
    if (typeof header?.key !== "string") throw bad("a header's key must be a string");
    if (!isContent(header.value)) throw bad(`a header's value must be ${CONTENT}`);
  }
}

function bad(problem: string): ClientError {
  return new ClientError("TARPAN_BAD_RECORD", `a record can't be sent: ${problem}`);
}
