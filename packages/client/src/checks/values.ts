import {
  anyString,
  type Check,
  eitherOf,
  integer,
  listOf,
  mustBe,
  nonEmptyString,
  optional,
  shape,
} from "./checks.ts";

const SAFE = Number.MAX_SAFE_INTEGER;

export const topicName = nonEmptyString;
export const partitionNumber = integer(0);
export const offsetNumber = integer(0, SAFE);
/** At least 1: a time-out of 0 would have expired before anything is sent. */
export const timeoutMs = integer(1);
export const waitMs = integer(0);
/** Fractions and Infinity are allowed: callers pass what is left of a deadline. */
export const pollWait: Check = (name, value) =>
  typeof value === "number" && value >= 0 ? null : mustBe(name, value, "a number of ms, 0 or more");
export const byteCount = integer(1);
export const nonEmptyStrings = listOf(nonEmptyString);
export const stringOrStrings = eitherOf(nonEmptyString, nonEmptyStrings);

const PARTITION = { topic: topicName, partition: partitionNumber };
export const topicPartition = shape(PARTITION);
export const partitionList = listOf(topicPartition);

export const offsetSpec: Check = (name, value) => {
  if (value === "earliest" || value === "latest") return null;
  if (typeof value === "number") return offsetNumber(name, value);
  if (typeof value === "object") return timeSpec(name, value);
  return mustBe(name, value, 'an offset, "earliest", "latest" or { timestampMs }');
};
const timeSpec = shape({ timestampMs: integer(-SAFE, SAFE) });

export const assignmentList = listOf(shape({ ...PARTITION, offset: offsetSpec }));

const COMMITTED = { offset: offsetNumber, metadata: optional(anyString) };
export const groupOffsetList = listOf(shape({ ...PARTITION, ...COMMITTED }));
