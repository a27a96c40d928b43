/** Encodes and decodes the keys and values of `__consumer_offsets`. */
import { recordCodec } from "../codec.ts";
import { malformed } from "../protocol-error.ts";
import { Reader } from "../reader.ts";
import type { Fields, Input, Output, RecordSchema } from "../schema.ts";
import { rangeOf } from "../versions.ts";
import { Writer } from "../writer.ts";
import { groupRecords } from "./schemas.ts";

type Schemas = typeof groupRecords;
export type GroupRecordName = keyof Schemas;
export type GroupKey<N extends GroupRecordName> = Output<Schemas[N]["key"]>;
export type GroupValue<N extends GroupRecordName> = Output<Schemas[N]["value"]["fields"]>;
/** A value to write: fields with a default may be left out. */
export type GroupValueInput<N extends GroupRecordName> = Input<Schemas[N]["value"]["fields"]>;

/** A decoded record; the types of `key` and `value` follow from `record`. */
export type GroupRecord = {
  [N in GroupRecordName]: {
    readonly record: N;
    readonly key: GroupKey<N>;
    readonly value: GroupValue<N> | null;
  };
}[GroupRecordName];

interface Codecs {
  readonly name: GroupRecordName;
  readonly type: number;
  readonly writeVersion: number;
  readonly key: RecordSchema;
  readonly value: RecordSchema;
  /** The value's versions, parsed only once because a replay may read millions of records. */
  readonly valueVersions: { readonly min: number; readonly max: number };
}

const all: readonly Codecs[] = Object.entries(groupRecords).map(([name, schema]) => ({
  name: name as GroupRecordName,
  type: schema.type,
  writeVersion: schema.writeVersion,
  key: {
    key: schema.type,
    name: `${name}Key`,
    versions: "0",
    flexible: "none",
    fields: schema.key,
  },
  value: { key: schema.type, name: `${name}Value`, ...schema.value },
  valueVersions: rangeOf(schema.value.versions),
}));
const byName = new Map(all.map((codecs) => [codecs.name, codecs]));
const byType = new Map(all.map((codecs) => [codecs.type, codecs]));

export interface EncodedGroupRecord {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

export function encodeGroupRecord(record: {
  readonly record: GroupRecordName;
  readonly key: object;
  readonly value: object | null;
}): EncodedGroupRecord {
  const { type, key, value, writeVersion } = byName.get(record.record)!;
  const encodedKey = encode(type, key, 0, record.key);
  if (record.value === null) return { key: encodedKey, value: null };
  const version = expires(record.value) ? EXPIRING_OFFSET_VERSION : writeVersion;
  return { key: encodedKey, value: encode(version, value, version, record.value) };
}

/**
 * The only version of OffsetCommitValue with an expiry time; it has no leader epoch and no topic
 * id.
 */
const EXPIRING_OFFSET_VERSION = 1;

function expires(value: { readonly expireTimestamp?: number }): boolean {
  return value.expireTimestamp !== undefined && value.expireTimestamp >= 0;
}

/**
 * Null for an unknown record type, of another kind of group or a later Kafka. Throws ProtocolError
 * on malformed bytes.
 */
export function decodeGroupRecord(key: Uint8Array, value: Uint8Array | null): GroupRecord | null {
  const keyReader = new Reader(key);
  const type = keyReader.i16();
  // Kafka wrote the same key as type 0 before 0.9.
  const codecs = byType.get(type === 0 ? 1 : type);
  if (codecs === undefined) return null;
  const record = codecs.name;
  const decodedKey = recordCodec<Fields>(codecs.key, 0).read(keyReader);
  const decodedValue = value === null ? null : decodeValue(codecs, value);
  return { record, key: decodedKey, value: decodedValue } as GroupRecord;
}

function decodeValue({ value: schema, valueVersions }: Codecs, bytes: Uint8Array): object {
  const reader = new Reader(bytes);
  const version = reader.i16();
  const known = version >= valueVersions.min && version <= valueVersions.max;
  if (!known) malformed(`${schema.name} has no version ${version}`);
  return recordCodec<Fields>(schema, version).read(reader);
}

function encode(prefix: number, schema: RecordSchema, version: number, value: object): Uint8Array {
  const writer = new Writer();
  writer.i16(prefix);
  recordCodec<Fields>(schema, version).write(writer, value as Record<string, unknown>);
  return writer.join();
}
