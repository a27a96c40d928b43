/** One authentication: takes the client's tokens in turn. */
export interface Exchange {
  /** Why it has failed, if the client is told before the end of the exchange. */
  readonly failure?: AuthenticationError | null;
  /** Rejects with AuthenticationError; the exchange has failed then. */
  next(token: Uint8Array): Promise<Step>;
}

export interface Step {
  /** The answer to the client. */
  readonly token: Uint8Array;
  /** The name of the user when the exchange is done; null while it goes on. */
  readonly user: string | null;
  /** When the credential expires, ms since the epoch. Default: never. */
  readonly expiresMs?: number;
}

/** A failed authentication. */
export class AuthenticationError extends Error {
  override readonly name = "AuthenticationError";
  /** What the client is told; null for the text that tells nothing of what exists. */
  readonly told: string | null;

  constructor(reason: string, told: string | null = null) {
    super(reason);
    this.told = told;
  }
}

/** An error whose text the client may know: it says nothing of what exists. */
export function toldFailure(text: string): AuthenticationError {
  return new AuthenticationError(text, text);
}

/** As in Kafka nobody may act for another user. */
export const OTHER_AUTHORIZATION_ID =
  "the authorization id is another user's: leave it empty, or give the user name";
