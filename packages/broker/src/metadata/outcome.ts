import { ErrorCode } from "@tarpan/protocol";

/** How one item of a request fared, as most admin responses tell it. */
export interface Outcome {
  readonly errorCode: number;
  /** Null when there is nothing to add to the code. */
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

export function refused(errorCode: number, errorMessage: string | null = null): Outcome {
  return { errorCode, errorMessage };
}
