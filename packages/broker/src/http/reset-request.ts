import { AdminError } from "../admin/admin-error.ts";
import type { OffsetReset, ResetTarget } from "../admin/groups-admin.ts";

const FIELDS = ["topic", "partitions", "to", "execute"];

/** Checks the body of a reset. Throws AdminError, which names the wrong field. */
export function readReset(body: unknown): OffsetReset {
  if (!isObject(body)) throw new AdminError("invalid", "the body must be an object");
  for (const field of Object.keys(body)) {
    // A misspelt "partitions" would otherwise reset all of them.
    if (!FIELDS.includes(field)) wrong(field, `is not one of ${FIELDS.join(", ")}`);
  }
  const { topic, partitions = null, to, execute = false } = body;
  if (typeof topic !== "string" || topic === "") return wrong("topic", "must be a topic's name");
  if (typeof execute !== "boolean") return wrong("execute", "must be true or false");
  return { topic, partitions: readPartitions(partitions), to: readTarget(to), execute };
}

function readPartitions(value: unknown): readonly number[] | null {
  if (value === null) return null;
  const indexes = Array.isArray(value) && value.every(isOffset) ? (value as number[]) : [];
  if (indexes.length === 0 || new Set(indexes).size < indexes.length) {
    return wrong("partitions", "must be a list of different partition numbers");
  }
  return indexes;
}

function readTarget(value: unknown): ResetTarget {
  if (value === "earliest" || value === "latest") return value;
  if (isObject(value) && Object.keys(value).length === 1) {
    const { offset, timestamp, shiftBy } = value;
    if (isOffset(offset)) return { offset };
    if (isOffset(timestamp)) return { timestamp };
    if (Number.isSafeInteger(shiftBy)) return { shiftBy: shiftBy as number };
  }
  const kinds = '{"offset":n}, {"timestamp":ms} or {"shiftBy":n}';
  return wrong("to", `must be "earliest", "latest", ${kinds}, with whole numbers`);
}

function isOffset(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function wrong(field: string, what: string): never {
  throw new AdminError("invalid", `${field} ${what}`, { field });
}
