export type LogErrorKind =
  | "out-of-range"
  | "corrupt"
  | "disk-full"
  | "offline"
  | "missing"
  | "exists"
  | "closed"
  /** The log was closed while the append was in flight: it may be stored or not. */
  | "unknown"
  | "fenced"
  /** The batch is larger than the engine can store; nothing was changed. */
  | "too-large"
  /** A conflicting change is in progress, or no server answers: try again later. */
  | "busy";

/** Why an engine failed. `kind` decides the client's error code; `message` is for the operator. */
export class LogError extends Error {
  readonly kind: LogErrorKind;
  /** For `corrupt`: the first offset past the damage. */
  readonly resumeOffset: number | undefined;

  constructor(
    kind: LogErrorKind,
    message: string,
    options: { cause?: unknown; resumeOffset?: number } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = "LogError";
    this.kind = kind;
    this.resumeOffset = options.resumeOffset;
  }

  /** Stable code of an operational error. */
  get code(): string {
    return `TARPAN_LOG_${this.kind.toUpperCase().replaceAll("-", "_")}`;
  }
}
