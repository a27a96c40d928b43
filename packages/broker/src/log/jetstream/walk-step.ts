import type { LogPosition, Meaning } from "./grammar.ts";
import type { StoredMessage } from "./transport.ts";

/** One message of a walk through a stream, with its meaning for the log. */
export interface Step {
  readonly message: StoredMessage;
  readonly meaning: Meaning;
  readonly before: LogPosition;
  readonly after: LogPosition;
  readonly lostBefore: number | null;
}

/** A read request; see ReadableLog.read. */
export interface ReadRequest {
  readonly offset: number;
  readonly maxBytes: number;
  readonly upTo: number;
}
