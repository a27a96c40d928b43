/**
 * The records of `__transaction_state`, as Kafka's coordinator of transactions writes them
 * (TransactionLogKey, TransactionLogValue). The key begins with the record type, the value with its
 * version. A null value is a tombstone.
 */
import { recordCodec } from "../codec.ts";
import { malformed } from "../protocol-error.ts";
import { Reader } from "../reader.ts";
import {
  array,
  type Input,
  i8,
  i16,
  i32,
  type Output,
  OWN_TAGS,
  offset,
  record,
  string,
} from "../schema.ts";
import { rangeOf } from "../versions.ts";
import { Writer } from "../writer.ts";

const RECORD_TYPE = 0;

const TransactionLogKey = record({
  key: RECORD_TYPE,
  name: "TransactionLogKey",
  versions: "0",
  flexible: "none",
  fields: { transactionalId: string },
});

/** v1 flexible: previous and next producer id (KIP-360, KIP-890), the client's version. */
const TransactionLogValue = record({
  key: RECORD_TYPE,
  name: "TransactionLogValue",
  versions: "0-1",
  flexible: "1+",
  fields: {
    producerId: offset,
    previousProducerId: offset.default(-1).tag(0, "1+"),
    nextProducerId: offset.default(-1).tag(1, "1+"),
    producerEpoch: i16,
    nextProducerEpoch: i16.default(-1).tag(3, "1+"),
    transactionTimeoutMs: i32,
    transactionStatus: i8,
    transactionPartitions: array({ topic: string, partitionIds: array(i32) }).nullable(),
    transactionLastUpdateTimestampMs: offset,
    transactionStartTimestampMs: offset,
    clientTransactionVersion: i16.default(0).tag(2, "1+"),
    /** Kafka forgets it when the coordinator moves, and then fences a producer that retries. */
    lastProducerEpoch: i16.default(-1).tag(OWN_TAGS, "1+"),
  },
});

export type TransactionValue = Output<typeof TransactionLogValue.fields>;
export type TransactionValueInput = Input<typeof TransactionLogValue.fields>;

export interface TransactionRecord {
  readonly transactionalId: string;
  readonly value: TransactionValue | null;
}

const WRITTEN_VERSION = 1;
const versions = rangeOf(TransactionLogValue.versions);

export function encodeTransactionRecord(
  transactionalId: string,
  value: TransactionValueInput | null,
): { key: Uint8Array; value: Uint8Array | null } {
  const key = new Writer();
  key.i16(RECORD_TYPE);
  recordCodec(TransactionLogKey, 0).write(key, { transactionalId });
  if (value === null) return { key: key.join(), value: null };
  const writer = new Writer();
  writer.i16(WRITTEN_VERSION);
  recordCodec(TransactionLogValue, WRITTEN_VERSION).write(writer, value);
  return { key: key.join(), value: writer.join() };
}

/** Null for a record of another type. Throws ProtocolError on malformed bytes. */
export function decodeTransactionRecord(
  key: Uint8Array,
  value: Uint8Array | null,
): TransactionRecord | null {
  const keyReader = new Reader(key);
  if (keyReader.i16() !== RECORD_TYPE) return null;
  const { transactionalId } = recordCodec(TransactionLogKey, 0).read(keyReader);
  if (value === null) return { transactionalId, value: null };
  const reader = new Reader(value);
  const version = reader.i16();
  const isKnown = version >= versions.min && version <= versions.max;
  if (!isKnown) malformed(`${TransactionLogValue.name} has no version ${version}`);
  return { transactionalId, value: recordCodec(TransactionLogValue, version).read(reader) };
}
