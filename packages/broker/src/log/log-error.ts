export type LogErrorKind =
  | "out-of-range"
  | "corrupt"
  | "disk-full"
  | "offline"
  | "missing"
  | "exists"
  | "closed"
  /** Closed while the append was under way: it may be stored or not. */
  | "unknown"
  | "fenced"
  /** One batch is larger than the engine can ever take; nothing happened. */
  | "too-large"
  /** The same is in progress already: try again later. */
  | "busy";

/** What an engine could not do. `kind` decides what a client is told; `message` what we log. */
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
