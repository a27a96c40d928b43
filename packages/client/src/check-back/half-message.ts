// The records of a CheckBackProducer in the topic of half messages, and the broker's checks.
import type { Client } from "../connection/client.ts";
import type { TopicMetadata } from "../connection/metadata.ts";
import { ClientError } from "../errors.ts";
import { MAX_MESSAGE_ID_BYTES } from "../limits.ts";
import { checkRecord } from "../producer/check-record.ts";
import { requireTarpanTopic } from "../producer/tarpan-topic.ts";
import type { ConsumedRecord, HeaderInput, ProducerRecord } from "../record.ts";
import { headerText } from "../runner/headers.ts";
import type { LocalOutcome, LocalTransaction } from "./transaction.ts";

/** Where half messages wait. */
const HALF_TOPIC = "__half_messages";

const GROUP = "tarpan-producer-group";
const [TOPIC, PARTITION, KEY] = ["tarpan-topic", "tarpan-partition", "tarpan-key"];
const RESOLUTION = "tarpan-resolution";
/** Ours, on the records of a batch: the transaction's id, and how many they are. */
const [BATCH, BATCH_SIZE] = ["tarpan-batch", "tarpan-batch-size"];
const [CHECK, CHECKS_LEFT] = ["tarpan-check", "tarpan-checks-left"];
const [ID, HALF_PARTITION, TIMESTAMP] = ["tarpan-id", "tarpan-half-partition", "tarpan-timestamp"];
const OURS: ReadonlySet<string> = new Set([
  ...[GROUP, TOPIC, PARTITION, KEY, BATCH, BATCH_SIZE],
  ...[CHECK, CHECKS_LEFT, ID, HALF_PARTITION, TIMESTAMP],
]);

/** Which half messages a transaction has, and where they wait. */
export interface HalfMessages {
  readonly group: string;
  readonly ids: readonly string[];
  /** The partition of the topic of half messages. */
  readonly partition: number;
}

/** Rejects with TARPAN_NO_HALF_MESSAGES if the cluster has none. */
export function requireHalfMessages(client: Client): Promise<TopicMetadata> {
  const missing = "a CheckBackProducer needs half messages";
  return requireTarpanTopic(client, HALF_TOPIC, "TARPAN_NO_HALF_MESSAGES", missing);
}

/** The ids of a transaction's half messages; `size` is null unless it was sent as a batch. */
export function messageIds(transactionId: string, size: number | null): string[] {
  if (size === null) return [transactionId];
  return Array.from({ length: size }, (_, index) => `${transactionId}/${index}`);
}

/** Throws TARPAN_BAD_RECORD for a record that can't wait as a half message. */
export function checkHalf(record: ProducerRecord): void {
  checkRecord(record);
  const { topic, value, headers = [] } = record;
  if (value === null) throw bad("its value must not be null");
  if (topic.startsWith("__")) throw bad(`it can't be delivered to ${topic}`);
  const taken = headers.find(({ key }) => OURS.has(key) || key === RESOLUTION);
  if (taken !== undefined) throw bad(`header ${taken.key} has a meaning of its own`);
}

/** Throws TARPAN_BAD_ARGUMENT for an id that the broker would refuse. */
export function checkMessageId(id: string): void {
  const bytes = Buffer.byteLength(id);
  if (bytes > 0 && bytes <= MAX_MESSAGE_ID_BYTES) return;
  throw new ClientError(
    "TARPAN_BAD_ARGUMENT",
    `a transaction's id must have 1 to ${MAX_MESSAGE_ID_BYTES} bytes, not ${bytes}`,
  );
}

export function halfMessages(
  records: readonly ProducerRecord[],
  { group, ids, partition }: HalfMessages,
  batchId: string | null,
): ProducerRecord[] {
  return records.map((record, index) => {
    const { topic, partition: target, key = null, value, headers = [], timestamp } = record;
    const added: HeaderInput[] = [
      { key: GROUP, value: group },
      { key: TOPIC, value: topic },
      { key: KEY, value: key },
    ];
    if (target !== undefined) added.push({ key: PARTITION, value: String(target) });
    if (batchId !== null) added.push({ key: BATCH, value: batchId });
    if (batchId !== null) added.push({ key: BATCH_SIZE, value: String(records.length) });
    const at = { topic: HALF_TOPIC, partition, key: ids[index]! };
    return { ...at, value, headers: [...headers, ...added], timestamp };
  });
}

export function resolutions(
  { group, ids, partition }: HalfMessages,
  outcome: Exclude<LocalOutcome, "unknown">,
): ProducerRecord[] {
  const headers = [
    { key: GROUP, value: group },
    { key: RESOLUTION, value: outcome },
  ];
  return ids.map((key) => ({ topic: HALF_TOPIC, partition, key, value: null, headers }));
}

/** A check of the broker: the transaction, and where its half messages wait. Null if it is none. */
export function readCheck(
  record: ConsumedRecord,
): { readonly transaction: LocalTransaction; readonly half: HalfMessages } | null {
  const { headers, value, key } = record;
  const text = (name: string) => headerText(headers, name);
  const [group, topic, partition] = [text(GROUP), text(TOPIC), numberOf(text(HALF_PARTITION))];
  const [check, checksLeft] = [numberOf(text(CHECK)), numberOf(text(CHECKS_LEFT))];
  if (key === null || group === null || topic === null) return null;
  if (partition === null || check === null) return null;
  const batchId = text(BATCH);
  const id = batchId ?? key.toString();
  const size = batchId === null ? null : numberOf(text(BATCH_SIZE));
  const half = { group, ids: messageIds(id, size), partition };
  const given = headers.find((header) => header.key === KEY);
  const target = {
    ...{ topic, partition: numberOf(text(PARTITION)) },
    // Without the header its id is its key at the target too.
    ...{ key: given === undefined ? key : given.value, value },
    headers: headers.filter((header) => !OURS.has(header.key)),
    timestamp: numberOf(text(TIMESTAMP)) ?? -1,
  };
  const transaction = { id, records: [target], size: size ?? 1, check, checksLeft };
  return { transaction, half };
}

function numberOf(text: string | null): number | null {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

function bad(problem: string): ClientError {
  return new ClientError("TARPAN_BAD_RECORD", `a record can't be a half message: ${problem}`);
}
