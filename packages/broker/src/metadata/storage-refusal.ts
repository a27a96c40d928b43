import { ErrorCode } from "@tarpan/protocol";
import { LogError } from "../log/log-error.ts";
import { StateMachineError } from "../state-machine/replayed-state.ts";
import { type Outcome, refused } from "./outcome.ts";

/** The outcome for a client whose change could not be stored. */
export function storageRefusal(error: unknown): Outcome {
  const cause = causeOf(error);
  switch (cause?.kind) {
    case "closed":
    case "fenced":
      return refused(ErrorCode.NOT_CONTROLLER, cause.message);
    case "unknown":
      return refused(ErrorCode.REQUEST_TIMED_OUT, cause.message);
    default:
      return refused(
        ErrorCode.KAFKA_STORAGE_ERROR,
        error instanceof Error ? error.message : String(error),
      );
  }
}

/**
 * Whether another broker has begun an epoch in the log instead of this decision's records. These
 * are then almost certainly not stored (only a trim by that broker could hide them), and every
 * decision may be asked for twice, so the caller may ask the next controller.
 */
export function isFenced(error: unknown): boolean {
  return causeOf(error)?.kind === "fenced";
}

function causeOf(error: unknown): LogError | null {
  if (!(error instanceof StateMachineError)) return null;
  return error.cause instanceof LogError ? error.cause : null;
}
