import { errorOf } from "@tarpan/protocol";

/**
 * What a client is to hear: the one error that is thrown where a request, or a part of one, ends
 * with an error code of Kafka's. Functions on the hot path return the code instead. Any other error
 * that reaches the router is a bug.
 */
export class KafkaError extends Error {
  readonly errorCode: number;

  /** Without a text of its own it has that of its code. */
  constructor(errorCode: number, reason?: string | null, options?: { cause?: unknown }) {
    super(reason ?? errorOf(errorCode).message, options);
    this.name = "KafkaError";
    this.errorCode = errorCode;
  }
}
