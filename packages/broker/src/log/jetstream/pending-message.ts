// A message of appends while it is under way, and what its sender can say of it.
import type { LogError } from "../log-error.ts";
import type { TailEntry } from "../memory-tail.ts";
import type { MessageIdentity } from "./message-id.ts";
import type { StoredLog } from "./stored-log.ts";
import type { StreamApi } from "./stream-api.ts";
import type { OutgoingMessage, PublishOutcome } from "./transport.ts";

export interface Append extends TailEntry {
  resolve(baseOffset: number): void;
  reject(error: LogError): void;
}

export interface Confirmation {
  resolve(): void;
  reject(error: LogError): void;
}

/** A message under way. */
export interface PendingMessage extends MessageIdentity {
  /** Nothing waited to be appended, only for a confirmation. */
  readonly isMarker: boolean;
  readonly payload: Uint8Array;
  readonly appends: readonly Append[];
  readonly confirmations: readonly Confirmation[];
  sequence: number;
}

/** Whoever sent a message, as far as finding out what became of it needs him. */
export interface MessageSender {
  readonly parts: { readonly api: StreamApi; readonly log: StoredLog };
  /** Set once nothing of the log is sent any more. */
  readonly failure: LogError | null;
  /** What is sent for a message, the same each time that it is sent to a place. */
  outgoing(message: PendingMessage): OutgoingMessage;
  /** An acknowledgement of another place than the expected one is none. */
  wrongPlace(message: PendingMessage, outcome: Stored): LogError | null;
}

export type Stored = Extract<PublishOutcome, { kind: "stored" }>;
