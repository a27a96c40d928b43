import { errorOf } from "@tarpan/protocol";

/**
 * Any failure of the client. `code` is stable across releases, the message is not. `retriable` says
 * whether a retry may succeed.
 */
export class ClientError extends Error {
  readonly code: `TARPAN_${string}`;
  readonly retriable: boolean;

  constructor(
    code: `TARPAN_${string}`,
    message: string,
    options: { cause?: unknown; retriable?: boolean } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retriable = options.retriable ?? false;
  }
}

/** A broker can't be reached, or the connection to it was lost. */
export class ConnectionError extends ClientError {
  constructor(message: string, cause?: unknown) {
    super("TARPAN_CONNECTION", message, { cause, retriable: true });
  }
}

/** No response, or no success, in time. The request may have taken effect, or still do so. */
export class TimeoutError extends ClientError {
  constructor(message: string, cause?: unknown) {
    super("TARPAN_TIMEOUT", message, { cause, retriable: true });
  }
}

/** The broker supports no version of an API that this client supports. */
export class UnsupportedVersionError extends ClientError {
  constructor(message: string) {
    super("TARPAN_UNSUPPORTED_VERSION", message);
  }
}

/**
 * A broker answered with a Kafka error. `code` is `TARPAN_KAFKA_` and the error's name, such as
 * TARPAN_KAFKA_TOPIC_ALREADY_EXISTS.
 */
export class KafkaResponseError extends ClientError {
  /** The error code on the wire, such as 36. */
  readonly kafkaCode: number;
  /** The error's name in Kafka's Errors class, such as TOPIC_ALREADY_EXISTS. */
  readonly kafkaName: string;

  constructor(kafkaCode: number, about: string, detail?: string | null, retriable?: boolean) {
    const { name, message, retriable: usually } = errorOf(kafkaCode);
    super(`TARPAN_KAFKA_${name}`, `${about}: ${detail || message} (${name})`, {
      retriable: retriable ?? usually,
    });
    this.kafkaCode = kafkaCode;
    this.kafkaName = name;
  }
}

/**
 * A range of a partition's records is damaged or missing in the broker's storage. To read on after
 * it: `seek(topic, partition, nextOffset)`.
 */
export class DamagedRangeError extends ClientError {
  readonly topic: string;
  readonly partition: number;
  /** The first offset that can't be read. */
  readonly offset: number;
  /** The first offset after the range; null if the broker does not say: Kafka brokers do not. */
  readonly nextOffset: number | null;

  constructor(
    { topic, partition }: { readonly topic: string; readonly partition: number },
    offset: number,
    nextOffset: number | null,
    cause?: unknown,
  ) {
    const range = nextOffset === null ? `from ${offset} on` : `${offset} to ${nextOffset - 1}`;
    const todo = `seek to ${nextOffset ?? "a later offset"} to go on without these records`;
    const message = `${topic}-${partition}: offsets ${range} are damaged or missing; ${todo}`;
    super("TARPAN_DAMAGED_RANGE", message, { cause });
    this.topic = topic;
    this.partition = partition;
    this.offset = offset;
    this.nextOffset = nextOffset;
  }
}

/**
 * A transaction can't be committed; `cause` is the failure, `code` says what to do:
 *
 * - TARPAN_TRANSACTION_FAILED: call `abort`, then the producer can begin another.
 * - TARPAN_PRODUCER_FENCED: close the producer: a newer one has its transactional id. In Kafka's
 *   old flow also if the transaction took longer than its time-out.
 * - TARPAN_PRODUCER_FAILED: close the producer, and make a new one if the cause has gone, such as a
 *   transaction that took longer than its time-out.
 */
export class TransactionError extends ClientError {
  /** Whether `abort` is enough. If not, the producer can do nothing more. */
  readonly abortable: boolean;

  constructor(
    code: "TARPAN_TRANSACTION_FAILED" | "TARPAN_PRODUCER_FENCED" | "TARPAN_PRODUCER_FAILED",
    message: string,
    cause: Error,
  ) {
    super(code, message, { cause });
    this.abortable = code === "TARPAN_TRANSACTION_FAILED";
  }
}

/** Throws unless `errorCode` is 0. */
export function assertOk(errorCode: number, about: string, detail?: string | null): void {
  if (errorCode !== 0) throw new KafkaResponseError(errorCode, about, detail);
}

export function isRetriable(error: unknown): boolean {
  return error instanceof ClientError && error.retriable;
}

/** Like isRetriable, and true for an unknown topic: it may be created again. */
export function isTransient(error: unknown): boolean {
  return (
    isRetriable(error) || (error instanceof ClientError && error.code === "TARPAN_UNKNOWN_TOPIC")
  );
}
