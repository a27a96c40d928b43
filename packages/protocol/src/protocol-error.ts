/**
 * A frame that does not parse: too short, a length beyond its end, a null where none may be. The
 * peer is broken or hostile, and what follows in its stream can't be trusted: close the connection.
 */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

/** Throws as an expression. */
export function malformed(reason: string): never {
  throw new ProtocolError(reason);
}
