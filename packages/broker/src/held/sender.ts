import { crc32c } from "@tarpan/codecs";
import { ErrorCode, encodeBatch, errorOf } from "@tarpan/protocol";
import type { Env } from "../env/env.ts";
import type { Logger } from "../logging/logger.ts";
import type { MetadataImage } from "../metadata/image.ts";
import { pause } from "../util/pause.ts";
import { DELIVERY_RETRY_MS, DELIVERY_WARNING_MS } from "./limits.ts";
import type { Delivery } from "./records.ts";
import type { OutgoingRecord } from "./rules.ts";

/** One attempt to append a delivery on the broker that leads its partition. */
export interface DeliveryAttempt extends Pick<Delivery, "topicId" | "partition"> {
  /** One batch, with the producer id and the sequence of the delivery. */
  readonly batch: Uint8Array;
  /**
   * If the batch may have been appended before: when it was first tried, ms since the epoch. -1 if
   * it was certainly not.
   */
  readonly doubtSinceMs: number;
}

/** Rejects if the broker can't be asked, or its answer was lost. */
export type Deliver = (brokerId: number, attempt: DeliveryAttempt) => Promise<DeliveryOutcome>;

export interface DeliveryOutcome {
  readonly errorCode: ErrorCode;
  readonly message: string | null;
}

/** How a delivery ended. */
export type Ending =
  | { readonly kind: "delivered" }
  /**
   * `refusal`: why it can't be appended there, whenever it is tried; null if it can be tried again,
   * at another place or as a delivery of another producer id.
   */
  | { readonly kind: "returned"; readonly refusal: string | null };

interface Parts {
  readonly env: Pick<Env, "clock" | "timers">;
  readonly logger: Logger;
  readonly image: () => MetadataImage;
  readonly deliver: Deliver;
  /** Aborts when the shard is closed. */
  readonly closing: AbortSignal;
}

/**
 * Appends deliveries to their partitions, each until its outcome is certain. An attempt whose
 * outcome is unknown is repeated with the same producer id and sequence: the partition appends
 * these once, whoever sends them and however often.
 */
export class DeliverySender {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** `isNew`: no attempt was made before, also not by a broker before this one. */
  async send(
    delivery: Delivery,
    records: readonly OutgoingRecord[],
    isNew: boolean,
  ): Promise<Ending> {
    const { env, closing } = this.#parts;
    const { timestampMs, topicId, partition } = delivery;
    let retryMs: number = DELIVERY_RETRY_MS.first;
    let doubtSinceMs = isNew ? -1 : timestampMs;
    const startedMs = env.clock.monotonicMs();
    let toldMs = startedMs;
    for (;;) {
      // A batch belongs to the log that it is appended to: each attempt has its own.
      const batch = batchOf(delivery, records);
      const outcome = await this.#attempt({ topicId, partition, batch, doubtSinceMs });
      const ending = this.#endingOf(outcome, delivery);
      if (ending !== null) return ending;
      if (!NOT_APPENDED.has(outcome.errorCode)) doubtSinceMs = timestampMs;
      const nowMs = env.clock.monotonicMs();
      if (nowMs - toldMs >= DELIVERY_WARNING_MS) {
        toldMs = nowMs;
        this.#warn(delivery, outcome, nowMs - startedMs);
      }
      await pause(env.timers, retryMs, closing);
      retryMs = Math.min(2 * retryMs, DELIVERY_RETRY_MS.longest);
    }
  }

  async #attempt(attempt: DeliveryAttempt): Promise<DeliveryOutcome> {
    const { topicId, partition } = attempt;
    const topic = this.#parts.image().topicsById.get(topicId);
    const leader = topic?.partitions[partition]?.leader;
    if (leader === undefined) return failed(ErrorCode.UNKNOWN_TOPIC_ID);
    if (leader < 0) return failed(ErrorCode.LEADER_NOT_AVAILABLE);
    try {
      return await this.#parts.deliver(leader, attempt);
    } catch (error) {
      return { errorCode: ErrorCode.NETWORK_EXCEPTION, message: (error as Error).message };
    }
  }

  /** Null while it has to be tried again. */
  #endingOf({ errorCode, message }: DeliveryOutcome, { topicId }: Delivery): Ending | null {
    switch (errorCode) {
      case ErrorCode.NONE:
      case ErrorCode.DUPLICATE_SEQUENCE_NUMBER:
        return { kind: "delivered" };
      case ErrorCode.UNKNOWN_TOPIC_ID:
        // The other broker may not have heard of it yet.
        return this.#parts.image().topicsById.has(topicId) ? null : AGAIN;
      case ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER:
      case ErrorCode.INVALID_PRODUCER_EPOCH:
        return AGAIN;
    }
    return FINAL.has(errorCode)
      ? { kind: "returned", refusal: message ?? errorOf(errorCode).message }
      : null;
  }

  #warn({ topicId, partition, messages }: Delivery, outcome: DeliveryOutcome, sinceMs: number) {
    const topic = this.#parts.image().topicsById.get(topicId)?.name ?? topicId;
    const why = outcome.message ?? errorOf(outcome.errorCode).message;
    this.#parts.logger.warn(
      `${messages.length} messages can't be delivered to ${topic}-${partition} for ` +
        `${Math.round(sinceMs / 1_000)} s: ${why}. It is tried again until the partition takes them`,
      { topic, partition },
    );
  }
}

const AGAIN: Ending = { kind: "returned", refusal: null };

/** Nothing was appended, whatever happened to earlier attempts. */
const NOT_APPENDED: ReadonlySet<number> = new Set([
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.NOT_ENOUGH_REPLICAS,
  ErrorCode.UNKNOWN_TOPIC_ID,
]);

/** The partition refuses what the batch says, and will refuse it again. */
const FINAL: ReadonlySet<number> = new Set([
  ErrorCode.MESSAGE_TOO_LARGE,
  ErrorCode.RECORD_LIST_TOO_LARGE,
  ErrorCode.INVALID_RECORD,
  ErrorCode.INVALID_TIMESTAMP,
  ErrorCode.INVALID_TOPIC_EXCEPTION,
  ErrorCode.TOPIC_AUTHORIZATION_FAILED,
  ErrorCode.CORRUPT_MESSAGE,
  ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
  ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT,
]);

function batchOf(
  { producerId, firstSequence, timestampMs }: Delivery,
  records: readonly OutgoingRecord[],
): Uint8Array {
  const timestamped = records.map((record) => ({ ...record, timestamp: timestampMs }));
  return encodeBatch(timestamped, {
    ...{ producerId, producerEpoch: 0, baseSequence: firstSequence, crc32c },
  });
}

function failed(errorCode: ErrorCode): DeliveryOutcome {
  return { errorCode, message: null };
}
