import { errorOf } from "@tarpan/protocol";

/**
 * An error for a client: the one error that is thrown where a request, or a part of one, ends
 * with an error code of Kafka's. Functions on the hot path return the code instead. Any other error
 * that reaches the router is a bug.
 */
export class KafkaError extends Error {
  readonly errorCode: number;

  /** Without `reason` the message is that of the error code. */
  constructor(errorCode: number, reason?: string | null, options?: { cause?: unknown }) {
    super(reason ?? errorOf(errorCode).message, options);
    this.name = "KafkaError";
    this.errorCode = errorCode;
  }
}
