/**
 * Why a token was refused; the message is for the operator's log and has nothing of a token whose
 * signature is wrong.
 */
export class TokenError extends Error {
  override readonly name = "TokenError";
  /** As RFC 6750 names it; "unavailable" if the broker lacks keys to check any token. */
  readonly status: "invalid_token" | "insufficient_scope" | "unavailable";
  /** What an insufficient scope lacks. */
  readonly scope: string | null;

  constructor(
    reason: string,
    status: TokenError["status"] = "invalid_token",
    scope: string | null = null,
  ) {
    super(reason);
    this.status = status;
    this.scope = scope;
  }
}
