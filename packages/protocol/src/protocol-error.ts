/**
 * A malformed frame: too short, a length beyond its end, a null that is not allowed. The peer is
 * broken or hostile, and its next bytes can't be trusted: close the connection.
 */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

/** Throws ProtocolError; can be used in an expression. */
export function malformed(reason: string): never {
  throw new ProtocolError(reason);
}
