import { ErrorCode } from "@tarpan/protocol";
import { LogError } from "../log/log-error.ts";
import { StateMachineError } from "../state-machine/replayed.ts";
import { type Outcome, refused } from "./outcome.ts";

/** What could not be stored, said to a client. */
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
 * Another broker's epoch stands in the log where this decision would: it is as good as certain that
 * it does not (only a trim by that broker could hide that it does), and every decision may be asked
 * twice.
 */
export function isFenced(error: unknown): boolean {
  return causeOf(error)?.kind === "fenced";
}

function causeOf(error: unknown): LogError | null {
  if (!(error instanceof StateMachineError)) return null;
  return error.cause instanceof LogError ? error.cause : null;
}
