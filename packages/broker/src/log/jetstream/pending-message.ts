// A message that is in flight, and its sender.
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

/** Batches that compaction made of older ones. The identity's writer is the run. */
export interface Copy extends MessageIdentity {
  readonly payload: Uint8Array;
}

export interface PendingCopy extends Copy {
  resolve(sequence: number): void;
  reject(error: LogError): void;
}

/** A message in flight. */
export interface PendingMessage extends MessageIdentity {
  /** It is a marker when there were only confirmations to send. */
  readonly kind: "batches" | "marker" | "copy";
  readonly payload: Uint8Array;
  readonly appends: readonly Append[];
  readonly confirmations: readonly Confirmation[];
  readonly copy: PendingCopy | null;
  sequence: number;
}

/** The sender of a message, as far as resolve-message.ts needs it. */
export interface MessageSender {
  readonly parts: { readonly api: StreamApi; readonly log: StoredLog };
  /** Set once the log sends no more messages. */
  readonly failure: LogError | null;
  /** The message to publish; always the same bytes for the same `sequence`. */
  outgoing(message: PendingMessage): OutgoingMessage;
  /** An error if the acknowledgement names another stream or sequence than the expected one. */
  wrongPlace(message: PendingMessage, outcome: Stored): LogError | null;
}

export type Stored = Extract<PublishOutcome, { kind: "stored" }>;
