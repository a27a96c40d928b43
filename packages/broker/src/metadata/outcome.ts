import { ErrorCode, errorOf } from "@tarpan/protocol";

/** The result of one item of a request, as in most admin responses. */
export interface Outcome {
  readonly errorCode: number;
  /** Null without an error. */
  readonly errorMessage: string | null;
}

/** The results of a topic's partitions. */
export interface TopicOutcomes {
  readonly name: string;
  readonly partitions: readonly PartitionOutcome[];
}

export interface PartitionOutcome extends Outcome {
  readonly partition: number;
}

export const DONE: Outcome = { errorCode: ErrorCode.NONE, errorMessage: null };

/** Without `reason` the text is that of the error code: a refusal always says why. */
export function refused(errorCode: number, reason = errorOf(errorCode).message): Outcome {
  return { errorCode, errorMessage: fitting(reason) };
}

/** A reason may quote a name or a value of 32 KiB, and must still fit into a string itself. */
export function fitting(reason: string): string {
  return reason.length <= MAX_REASON_LENGTH ? reason : `${reason.slice(0, MAX_REASON_LENGTH)}…`;
}

const MAX_REASON_LENGTH = 1_000;

export function unknownTopic(name: string): Outcome {
  return refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `there is no topic '${name}'`);
}
