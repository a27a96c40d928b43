import { errorOf } from "@tarpan/protocol";

/**
 * What the client could not do. `code` is stable; `retriable` says whether trying again may help.
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

/** A broker can't be reached, or the connection to it has gone. */
export class ConnectionError extends ClientError {
  constructor(message: string, cause?: unknown) {
    super("TARPAN_CONNECTION", message, { cause, retriable: true });
  }
}

/** No answer, or no success, in time. What was asked for may still take effect. */
export class TimeoutError extends ClientError {
  constructor(message: string, cause?: unknown) {
    super("TARPAN_TIMEOUT", message, { cause, retriable: true });
  }
}

/** Broker and client have no version of an API in common. */
export class UnsupportedVersionError extends ClientError {
  constructor(message: string) {
    super("TARPAN_UNSUPPORTED_VERSION", message);
  }
}

/** A broker answered with a Kafka error. `code` is `TARPAN_KAFKA_` and the error's name. */
export class KafkaResponseError extends ClientError {
  readonly kafkaCode: number;
  readonly kafkaName: string;

  constructor(kafkaCode: number, about: string, detail?: string | null) {
    const { name, message, retriable } = errorOf(kafkaCode);
    super(`TARPAN_KAFKA_${name}`, `${about}: ${detail || message} (${name})`, { retriable });
    this.kafkaCode = kafkaCode;
    this.kafkaName = name;
  }
}

/**
 * A stretch of a partition can't be read: it is damaged, or missing, where it is stored. What comes
 * behind it can be: `seek(topic, partition, nextOffset)` goes on there.
 */
export class DamagedRangeError extends ClientError {
  readonly topic: string;
  readonly partition: number;
  /** The first offset that can't be read. */
  readonly offset: number;
  /** The first offset behind the damage; null when the broker does not say, as Kafka's do not. */
  readonly nextOffset: number | null;

  constructor(
    { topic, partition }: { readonly topic: string; readonly partition: number },
    offset: number,
    nextOffset: number | null,
    cause?: unknown,
  ) {
    const range = nextOffset === null ? `from ${offset} on` : `${offset} to ${nextOffset - 1}`;
    const todo = `seek to ${nextOffset ?? "an offset behind it"} to go on without these records`;
    const message = `${topic}-${partition}: offsets ${range} are damaged or missing; ${todo}`;
    super("TARPAN_DAMAGED_RANGE", message, { cause });
    this.topic = topic;
    this.partition = partition;
    this.offset = offset;
    this.nextOffset = nextOffset;
  }
}

/** Throws unless `errorCode` is 0. */
export function assertOk(errorCode: number, about: string, detail?: string | null): void {
  if (errorCode !== 0) throw new KafkaResponseError(errorCode, about, detail);
}

export function isRetriable(error: unknown): boolean {
  return error instanceof ClientError && error.retriable;
}

/** Like isRetriable, of topics too: one may come back, or a group be told that it has gone. */
export function isTransient(error: unknown): boolean {
  return (
    isRetriable(error) || (error instanceof ClientError && error.code === "TARPAN_UNKNOWN_TOPIC")
  );
}
