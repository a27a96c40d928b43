/**
 * The consumer protocol: the bytes that consumers put into JoinGroup (subscriptions) and SyncGroup
 * (assignments), with `protocolType` "consumer". A newer version is read as version 3, since
 * versions only add fields at the end.
 */
import { recordCodec } from "../codec.ts";
import { malformed } from "../protocol-error.ts";
import { Reader } from "../reader.ts";
import { array, bytes, type Input, i32, type Output, record, string } from "../schema.ts";
import { Writer } from "../writer.ts";

/** v1 owned partitions (KIP-429) · v2 generation · v3 rack (KIP-881). */
const Subscription = record({
  key: 0,
  name: "ConsumerProtocolSubscription",
  versions: "0-3",
  flexible: "none",
  fields: {
    topics: array(string),
    userData: bytes.nullable().default(null),
    ownedPartitions: array({ topic: string, partitions: array(i32) }).in("1+"),
    generationId: i32.default(-1).in("2+"),
    rackId: string.nullable().default(null).in("3+"),
  },
});

const Assignment = record({
  key: 0,
  name: "ConsumerProtocolAssignment",
  versions: "0-3",
  flexible: "none",
  fields: {
    assignedPartitions: array({ topic: string, partitions: array(i32) }),
    userData: bytes.nullable().default(null),
  },
});

export const consumerProtocolRecords = { Subscription, Assignment } as const;
const NEWEST = 3;

export type ConsumerSubscription = Output<typeof Subscription.fields>;
export type ConsumerAssignment = Output<typeof Assignment.fields>;

/** Throws ProtocolError on malformed bytes. */
export function decodeConsumerSubscription(encoded: Uint8Array): ConsumerSubscription {
  const [reader, version] = begin(encoded);
  return recordCodec(Subscription, version).read(reader);
}

/** Throws ProtocolError on malformed bytes. */
export function decodeConsumerAssignment(encoded: Uint8Array): ConsumerAssignment {
  const [reader, version] = begin(encoded);
  return recordCodec(Assignment, version).read(reader);
}

export function encodeConsumerSubscription(
  subscription: Input<typeof Subscription.fields>,
  version = NEWEST,
): Uint8Array {
  const writer = new Writer();
  writer.i16(version);
  recordCodec(Subscription, version).write(writer, subscription);
  return writer.join();
}

export function encodeConsumerAssignment(
  assignment: Input<typeof Assignment.fields>,
  version = NEWEST,
): Uint8Array {
  const writer = new Writer();
  writer.i16(version);
  recordCodec(Assignment, version).write(writer, assignment);
  return writer.join();
}

function begin(encoded: Uint8Array): [Reader, number] {
  const reader = new Reader(encoded);
  const version = reader.i16();
  if (version < 0) malformed(`the consumer protocol has no version ${version}`);
  return [reader, Math.min(version, NEWEST)];
}
