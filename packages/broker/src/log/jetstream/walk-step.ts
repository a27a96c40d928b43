import type { LogPosition, Meaning } from "./grammar.ts";
import type { StoredMessage } from "./transport.ts";

/** A message on a walk through a stream, and what it means there. */
export interface Step {
  readonly message: StoredMessage;
  readonly meaning: Meaning;
  readonly before: LogPosition;
  readonly after: LogPosition;
  readonly lostBefore: number | null;
}

/** What of a log is to be read. */
export interface Wanted {
  readonly offset: number;
  readonly maxBytes: number;
  readonly upTo: number;
}
