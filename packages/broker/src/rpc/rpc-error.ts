/** Why a call of another broker has no answer. */
export class RpcError extends Error {
  /** `not-done`: certainly nothing was done. `unknown`: it may have been done, or may yet be. */
  readonly kind: "not-done" | "unknown";
  /** The broker does not serve this: its release can't, or it starts or stops. */
  readonly isUnsupported: boolean;

  constructor(
    kind: RpcError["kind"],
    message: string,
    options: { cause?: unknown; isUnsupported?: boolean } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = "RpcError";
    this.kind = kind;
    this.isUnsupported = options.isUnsupported ?? false;
  }
}
