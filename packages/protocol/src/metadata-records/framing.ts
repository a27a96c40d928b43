/**
 * The value of a record in the cluster metadata log, as KRaft frames it (Kafka's
 * AbstractApiMessageSerde): frame version, record key and record version as varints, then the
 * fields.
 */
import { recordCodec } from "../codec.ts";
import { malformed } from "../protocol-error.ts";
import { Reader } from "../reader.ts";
import type { Fields, Input, Output, RecordSchema } from "../schema.ts";
import { includes } from "../versions.ts";
import { Writer } from "../writer.ts";
import { metadataRecords } from "./index.ts";

const FRAME_VERSION = 1;

type Schemas = typeof metadataRecords;
export type MetadataRecordName = keyof Schemas;

/** A decoded metadata record; the type of `value` follows from the name in `record`. */
export type MetadataRecord = {
  [N in MetadataRecordName]: {
    readonly record: N;
    readonly version: number;
    readonly value: Output<Schemas[N]["fields"]>;
  };
}[MetadataRecordName];

const byKey: ReadonlyMap<number, Schemas[MetadataRecordName]> = new Map(
  Object.values(metadataRecords).map((record) => [record.key, record]),
);

export function encodeMetadataRecord<F extends Fields>(
  record: RecordSchema<F>,
  version: number,
  value: Input<F>,
): Uint8Array {
  const writer = new Writer();
  writer.uvarint(FRAME_VERSION);
  writer.uvarint(record.key);
  writer.uvarint(version);
  recordCodec(record, version).write(writer, value);
  return writer.join();
}

/**
 * Throws ProtocolError on malformed bytes, and on a record type or version that this package lacks.
 */
export function decodeMetadataRecord(bytes: Uint8Array): MetadataRecord {
  const reader = new Reader(bytes);
  const frameVersion = reader.uvarint();
  if (frameVersion !== FRAME_VERSION) malformed(`a metadata frame of version ${frameVersion}`);
  const key = reader.uvarint();
  const version = reader.uvarint();
  const record = byKey.get(key) ?? malformed(`a metadata record of unknown kind ${key}`);
  if (!includes(record.versions, version)) malformed(`${record.name} has no version ${version}`);
  const value = recordCodec<Fields>(record, version).read(reader);
  reader.assertEnd();
  return { record: record.name, version, value } as MetadataRecord;
}
