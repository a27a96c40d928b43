export type EngineErrorCode =
  | "TARPAN_NATS_SERVER_MISSING"
  | "TARPAN_NATS_SERVER_TOO_OLD"
  | "TARPAN_NATS_SERVER_FAILED"
  | "TARPAN_RAFT_ADDRESS_UNUSABLE"
  | "TARPAN_ENGINE_UNREACHABLE"
  | "TARPAN_ENGINE_REFUSED"
  | "TARPAN_ENGINE_REQUEST"
  | "TARPAN_ENGINE_OTHER_NODE";

/** NATS can't be used as it is: one line that says what to do next. */
export class EngineError extends Error {
  readonly code: EngineErrorCode;

  constructor(code: EngineErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "EngineError";
    this.code = code;
  }
}
