/** Why what an operator asked for is not done. Each adapter has words of its own for these. */
export type AdminErrorKind =
  /** There is no such group, or broker. */
  | "not-found"
  /** The request can't be carried out as it stands; `field` names the part at fault. */
  | "invalid"
  /** It can't be done as things stand: somebody has to change something first. */
  | "conflict"
  /** Something that it needs is away: a controller, a partition's leader. */
  | "unavailable"
  /** A coordinator loads, moves or does not answer. Nothing was done: ask again in a moment. */
  | "coordinator-not-available"
  /** Nobody answered in time: a change may have been made or not. */
  | "outcome-unknown";

export class AdminError extends Error {
  readonly kind: AdminErrorKind;
  /** Of the request, where one field is at fault. */
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
  const text = "the group coordinator can't answer now";
  return new AdminError("coordinator-not-available", text, { cause });
}
