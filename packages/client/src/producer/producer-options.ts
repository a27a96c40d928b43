import { Compression } from "@tarpan/protocol";
import { type Check, type Checks, flag, mustBe, oneOf } from "../checks/checks.ts";
import { byteCount, timeoutMs, waitMs } from "../checks/values.ts";
import { PARTITIONER_NAMES, type Partitioner, type PartitionerName } from "./partitioner.ts";

export type Acks = "all" | -1 | 0 | 1;
export type CompressionName = keyof typeof Compression;

export interface ProducerOptions {
  /**
   * all (default) or -1: resolve when all in-sync replicas have the record; 1: when the leader has
   * it; 0: once it is sent, without a response.
   */
  readonly acks?: Acks;
  /** Default: none. */
  readonly compression?: CompressionName;
  /** Store no record twice when a request is retried. Needs acks=all, where it is the default. */
  readonly idempotent?: boolean;
  /**
   * Chooses the partition of a record that names none. `hash` (default): Kafka's hash of the key,
   * and `sticky` without a key; `sticky`: a random partition, another one after 16 KiB;
   * `round-robin`: each in turn; `random`; `manual`: refuses such a record with
   * TARPAN_NO_PARTITION. Or a function.
   */
  readonly partitioner?: PartitionerName | Partitioner;
  /**
   * How long a record waits for others to fill its batch, ms. Default: 0; a batch then still
   * gathers the records that are sent in the same turn, or while its partition has a request in
   * flight.
   */
  readonly lingerMs?: number;
  /** Size of a batch before compression, bytes. Default: 1,000,000. */
  readonly batchBytes?: number;
  /**
   * Memory for records that are not settled yet, bytes. Kafka's buffer.memory. Default: 33,554,432.
   * A call that would exceed it waits for `maxBlockMs`; one that is larger than that, until at most
   * half of it is used.
   */
  readonly bufferMemoryBytes?: number;
  /**
   * How long a call waits for memory, and then for the topic's metadata, ms. Kafka's max.block.ms.
   * Default: 60,000. After it the call rejects with TARPAN_BUFFER_FULL or TARPAN_NO_METADATA; both
   * are retriable. With 0 it rejects at once, also a call for a topic that the client does not
   * know yet: it is asked for, so that a later call succeeds.
   */
  readonly maxBlockMs?: number;
  /** Time for delivering a record, with retries, ms. Default: 120,000. */
  readonly deliveryTimeoutMs?: number | undefined;
}

const partitioner: Check = (name, value) =>
  typeof value === "function" || PARTITIONER_NAMES.includes(value as string)
    ? null
    : mustBe(name, value, `a function, or one of ${PARTITIONER_NAMES.join(", ")}`);

export const PRODUCER_OPTIONS: Checks<ProducerOptions> = {
  acks: oneOf("all", -1, 0, 1),
  compression: oneOf(...Object.keys(Compression)),
  idempotent: flag,
  partitioner,
  lingerMs: waitMs,
  batchBytes: byteCount,
  bufferMemoryBytes: byteCount,
  maxBlockMs: waitMs,
  deliveryTimeoutMs: timeoutMs,
};
