/** Why a call of another broker has no answer. */
export class RpcError extends Error {
  /** `not-done`: certainly nothing was done. `unknown`: it may have been done, or may yet be. */
  readonly kind: "not-done" | "unknown";

  constructor(kind: RpcError["kind"], message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "RpcError";
    this.kind = kind;
  }
}
