import type { Client } from "../connection/client.ts";
import { ClientError } from "../errors.ts";
import { MAX_DELAY_MS } from "../limits.ts";
import type { HeaderInput, ProducerRecord } from "../record.ts";
import { requireTarpanTopic } from "./tarpan-topic.ts";

/** Where delayed messages wait. */
export const DELAYED_TOPIC = "__delayed";

/** Levels 1 to 18 of RocketMQ. */
const LEVELS = [
  ...["1s", "5s", "10s", "30s", "1m", "2m", "3m", "4m", "5m", "6m", "7m", "8m", "9m", "10m"],
  ...["20m", "30m", "1h", "2h"],
];

/** When a record is delivered: exactly one of the three. */
export interface DeliveryTime {
  /** Ms from the time at which the broker gets the record, up to a year. */
  readonly delayMs?: number | undefined;
  /** Ms since the epoch, up to a year ahead; a time in the past means now. */
  readonly deliverAt?: number | undefined;
  /** 1 to 18: 1, 5, 10, 30 s, 1 to 10 min, 20 min, 30 min, 1 h, 2 h. */
  readonly level?: number | undefined;
}

/**
 * The record that makes the broker deliver `record` later. `id` replaces an earlier one with the
 * same id that is not delivered yet. Throws TARPAN_BAD_RECORD.
 */
export function delayedRecord(
  record: ProducerRecord,
  id: string,
  time: DeliveryTime,
): ProducerRecord {
  const { topic, partition, key = null, value, headers = [], timestamp } = record;
  if (value === null)
    throw bad("its value must not be null: that would cancel the delayed message");
  if (typeof topic !== "string" || topic === "" || topic.startsWith("__"))
    throw bad(`it can't be delivered to ${topic || "no topic"}`);
  const added: HeaderInput[] = [{ key: "tarpan-topic", value: topic }];
  if (partition !== undefined) added.push({ key: "tarpan-partition", value: String(partition) });
  added.push({ key: "tarpan-key", value: key }, timeHeader(time));
  return { topic: DELAYED_TOPIC, key: id, value, headers: [...headers, ...added], timestamp };
}

function timeHeader({ delayMs, deliverAt, level }: DeliveryTime): HeaderInput {
  const given = [delayMs, deliverAt, level].filter((each) => each !== undefined);
  if (given.length !== 1) throw bad("give one of delayMs, deliverAt and level");
  if (level !== undefined) {
    const value = LEVELS[level - 1];
    if (value === undefined) throw bad(`level must be 1 to ${LEVELS.length}, not ${level}`);
    return { key: "tarpan-delay", value };
  }
  const aheadMs = delayMs ?? deliverAt! - Date.now();
  if (!Number.isSafeInteger(given[0]) || (delayMs ?? 0) < 0)
    throw bad("delayMs and deliverAt must be whole numbers of ms, delayMs 0 or more");
  if (aheadMs > MAX_DELAY_MS) throw bad("it can't be delayed by more than 365 days");
  if (delayMs !== undefined) return { key: "tarpan-delay", value: `${delayMs}ms` };
  return { key: "tarpan-deliver-at", value: String(deliverAt) };
}

/** Rejects with TARPAN_NO_DELAYED_MESSAGES if the cluster has none. */
export async function requireDelayedMessages(client: Client, what: string): Promise<void> {
  const missing = `${what} needs delayed messages`;
  await requireTarpanTopic(client, DELAYED_TOPIC, "TARPAN_NO_DELAYED_MESSAGES", missing);
}

function bad(problem: string): ClientError {
  return new ClientError("TARPAN_BAD_RECORD", `a record can't be delayed: ${problem}`);
}
