/** Why an operator's request failed. Each adapter translates it: HTTP into a status code. */
export type AdminErrorKind =
  /** There is no such group or broker. */
  | "not-found"
  /** The request is wrong; `field` names the wrong field. */
  | "invalid"
  /** The current state does not allow it: the operator has to change something first. */
  | "conflict"
  /** The controller, or a partition's leader, is unavailable. */
  | "unavailable"
  /** The coordinator is loading, is moving or does not answer. Nothing was changed: retry. */
  | "coordinator-not-available"
  /** No answer in time: the change may have been made or not. */
  | "outcome-unknown";

export class AdminError extends Error {
  readonly kind: AdminErrorKind;
  /** The field of the request that is wrong; null if it is not a single field. */
  readonly field: string | null;

  constructor(
    kind: AdminErrorKind,
    message: string,
    { field = null, cause }: { field?: string | null; cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.name = "AdminError";
    this.kind = kind;
    this.field = field;
  }
}

export function coordinatorNotAvailable(cause?: unknown): AdminError {
  const text =
    "the group coordinator is unavailable: it is loading or moving, try again in a moment";
  return new AdminError("coordinator-not-available", text, { cause });
}
