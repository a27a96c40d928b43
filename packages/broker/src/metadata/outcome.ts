import { ErrorCode, errorOf } from "@tarpan/protocol";

/** How one item of a request fared, as most admin responses tell it. */
export interface Outcome {
  readonly errorCode: number;
  /** Null without an error. */
  readonly errorMessage: string | null;
}

/** How each partition of a topic fared. */
export interface TopicOutcomes {
  readonly name: string;
  readonly partitions: readonly PartitionOutcome[];
}

export interface PartitionOutcome extends Outcome {
  readonly partition: number;
}

export const DONE: Outcome = { errorCode: ErrorCode.NONE, errorMessage: null };

/** Without a text of its own it has that of its code: a refusal always says why. */
export function refused(errorCode: number, errorMessage = errorOf(errorCode).message): Outcome {
  return { errorCode, errorMessage };
}

export function unknownTopic(name: string): Outcome {
  return refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `there is no topic '${name}'`);
}
