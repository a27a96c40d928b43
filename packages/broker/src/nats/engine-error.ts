export type EngineErrorCode =
  | "TARPAN_NATS_SERVER_MISSING"
  | "TARPAN_NATS_SERVER_TOO_OLD"
  | "TARPAN_NATS_SERVER_FAILED"
  | "TARPAN_RAFT_ADDRESS_UNUSABLE"
  | "TARPAN_CLUSTER_CERTIFICATE"
  | "TARPAN_CLUSTER_CREDENTIALS"
  | "TARPAN_ENGINE_UNREACHABLE"
  | "TARPAN_ENGINE_REFUSED"
  | "TARPAN_ENGINE_REQUEST"
  | "TARPAN_ENGINE_OTHER_NODE";

/** Why NATS can't be used. The message is one line; at a start it says what to do next. */
export class EngineError extends Error {
  readonly code: EngineErrorCode;
  /** NATS's own `err_code`, if it answered with one. */
  readonly natsCode: number | null;

  constructor(
    code: EngineErrorCode,
    message: string,
    cause?: unknown,
    apiCode: number | null = null,
  ) {
    super(message, { cause });
    this.name = "EngineError";
    this.code = code;
    this.natsCode = apiCode;
  }
}
