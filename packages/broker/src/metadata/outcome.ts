import { ErrorCode } from "@tarpan/protocol";

/** How one item of a request fared, as most admin responses tell it. */
export interface Outcome {
  readonly errorCode: number;
  /** Null when there is nothing to add to the code. */
  readonly errorMessage: string | null;
}

export const DONE: Outcome = { errorCode: ErrorCode.NONE, errorMessage: null };

export function refused(errorCode: number, errorMessage: string | null = null): Outcome {
  return { errorCode, errorMessage };
}
