import { errorOf } from "@tarpan/protocol";

/** What the client could not do. `code` is stable; `retriable` says whether trying again may help. */
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

/** Throws unless `errorCode` is 0. */
export function assertOk(errorCode: number, about: string, detail?: string | null): void {
  if (errorCode !== 0) throw new KafkaResponseError(errorCode, about, detail);
}

export function isRetriable(error: unknown): boolean {
  return error instanceof ClientError && error.retriable;
}
