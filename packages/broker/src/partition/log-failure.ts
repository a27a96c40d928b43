import { ErrorCode } from "@tarpan/protocol";
import { LogError } from "../log/log-error.ts";
import { KafkaError } from "../util/kafka-error.ts";

// Where a log's errors end: rooms above the partition know error codes of Kafka alone.

/** What a client is told when a log could not do something. Bugs are not log errors: they go up. */
export function errorCodeOf(error: unknown): ErrorCode {
  if (!(error instanceof LogError)) throw error;
  switch (error.kind) {
    case "out-of-range":
      return ErrorCode.OFFSET_OUT_OF_RANGE;
    case "corrupt":
      return ErrorCode.CORRUPT_MESSAGE;
    case "too-large":
      return ErrorCode.MESSAGE_TOO_LARGE;
    case "closed":
    case "fenced":
      return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    case "unknown":
      return ErrorCode.REQUEST_TIMED_OUT;
    default:
      return ErrorCode.KAFKA_STORAGE_ERROR;
  }
}

/** Whether `error` comes from a log, and is no bug. */
export function isLogFailure(error: unknown): boolean {
  return error instanceof LogError;
}

/** Whether an append was taken back because there is no room now. */
export function isDiskFull(error: unknown): boolean {
  return error instanceof LogError && error.kind === "disk-full";
}

/** What a read of a log ended with; `resumeOffset` is the first offset past damage. */
export function readFailureOf(error: unknown): Pick<LogError, "resumeOffset"> & {
  readonly errorCode: ErrorCode;
} {
  return { errorCode: errorCodeOf(error), resumeOffset: (error as LogError).resumeOffset };
}

/** Waits for something of a log, and rejects with KafkaError in the place of LogError. */
export async function orKafkaError<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const reason = error instanceof Error ? error.message : undefined;
    throw new KafkaError(errorCodeOf(error), reason, { cause: error });
  }
}
