import {
  array,
  bool,
  type Fields,
  type Input,
  i32,
  type Output,
  offset,
  Reader,
  type RecordSchema,
  record,
  recordCodec,
  string,
  uuid,
  Writer,
} from "@tarpan/protocol";
import type { EncodedRecord } from "../state-machine/state-machine.ts";

// The records that a broker writes into a log of held messages, beside those of clients. Messages
// of clients have their id as key; these have no key, and their value begins with the type and the
// version.

/** Where messages are delivered to. */
const place = { topicId: uuid, partition: i32 };

/** A message by the offset of its record, and the hash of its id. */
const message = { offset, word0: i32, word1: i32 };

/** A message that is taken, if it still has this progress (see progress.ts). */
const taken = { ...message, progress: i32.default(0).tag(0, "0+") };

/** Names a delivery. */
const named = { ...place, producerId: offset, firstSequence: i32 };

function held<const F extends Fields>(key: number, name: string, fields: F): RecordSchema<F> {
  return record({ key, name, versions: "0", flexible: "0+", fields });
}

const Delivery = held(0, "HeldDelivery", {
  /** The records are appended with this producer id, epoch 0, and these sequences. */
  ...named,
  /** Of the delivered records, ms since the epoch. */
  timestampMs: offset,
  /** Why the messages become dead letters; null if they don't. */
  reason: string.nullable().default(null).tag(0, "0+"),
  /** The records only ask for a resolution: the messages go on waiting. */
  isCheck: bool.default(false).tag(1, "0+"),
  messages: array(taken),
});
const Delivered = held(1, "HeldDelivered", {
  ...named,
  /** When messages are due again that checks were delivered for, ms since the epoch. */
  nextMs: offset.default(0).tag(0, "0+"),
});
const Returned = held(2, "HeldReturned", named);
const Forgotten = held(3, "HeldForgotten", message);
const Hurried = held(4, "HeldHurried", message);
const Cancelled = held(5, "HeldCancelled", message);
const Committed = held(6, "HeldCommitted", message);

export type MessageRef = Output<typeof Forgotten.fields>;

export type TakenRef = Delivery["messages"][number];

/** Messages are on their way to a partition: it is decided that they are appended there. */
export type Delivery = Output<typeof Delivery.fields>;

/** Names a delivery. */
export type DeliveryName = Output<typeof Returned.fields>;

export type HeldRecord =
  | ({ readonly kind: "delivery" } & Delivery)
  /** They were appended. */
  | ({ readonly kind: "delivered" } & Output<typeof Delivered.fields>)
  /** They were certainly not appended, and wait again. */
  | ({ readonly kind: "returned" } & DeliveryName)
  /** A message that was moved had been delivered, cancelled or replaced by then. */
  | ({ readonly kind: "forgotten" } & MessageRef)
  /** An administrator has cancelled a message. */
  | ({ readonly kind: "cancelled" } & MessageRef)
  /** An administrator has committed a message that waits for its resolution. */
  | ({ readonly kind: "committed" } & MessageRef)
  /** A message is due now. */
  | ({ readonly kind: "hurried" } & MessageRef);

const schemas = {
  delivery: Delivery,
  delivered: Delivered,
  returned: Returned,
  forgotten: Forgotten,
  cancelled: Cancelled,
  committed: Committed,
  hurried: Hurried,
} as const satisfies Record<HeldRecord["kind"], RecordSchema>;

const WRITTEN_VERSION = 0;

export function encodeHeldRecord(held: HeldRecord): EncodedRecord {
  const schema: RecordSchema = schemas[held.kind];
  const writer = new Writer();
  writer.i16(schema.key);
  writer.i16(WRITTEN_VERSION);
  recordCodec(schema, WRITTEN_VERSION).write(
    writer,
    held as unknown as Input<typeof schema.fields>,
  );
  return { key: null, value: writer.join() };
}

/** Null for a record of another version of Tarpan, which this one skips. Throws ProtocolError. */
export function decodeHeldRecord(value: Uint8Array): HeldRecord | null {
  const reader = new Reader(value);
  const key = reader.i16();
  const version = reader.i16();
  for (const [kind, schema] of Object.entries(schemas)) {
    if (schema.key !== key || version !== WRITTEN_VERSION) continue;
    const fields = recordCodec(schema as RecordSchema, version).read(reader);
    return { kind, ...fields } as HeldRecord;
  }
  return null;
}
