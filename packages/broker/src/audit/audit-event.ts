import type { Client } from "../security/authorizer.ts";

/** One line of the audit log. Never holds a password, a token or a value of a config. */
export interface AuditEvent {
  readonly event: "authentication" | "refusal" | "change";
  /** Of a change: whether it was made. A refusal is always `denied`: ACLs do not allow it. */
  readonly outcome: "success" | "failure" | "denied";
  /** Such as `User:alice`; null if the client failed to show who it is. */
  readonly principal: string | null;
  readonly address: string;
  /** The name of the listener that the client came by. */
  readonly listener: string | null;
  /** The mechanism of a log-in, the operation of an ACL, the API or the HTTP route of a change. */
  readonly operation: string;
  /** Such as `topic:orders`; null for a log-in. */
  readonly resource: string | null;
  /** Why it failed, or what exactly was changed; null if there is nothing to say. */
  readonly detail: string | null;
}

/** A client, for the audit log. */
export interface AuditedClient extends Client {
  readonly listener: string;
}

/** What a client changed, or tried to. */
export interface Change {
  readonly operation: string;
  readonly resource: string;
  /** Null if it was made. */
  readonly failure: string | null;
  /** What exactly; null if the resource says it. */
  readonly detail: string | null;
  /** Whether it is usual that a client does this again and again. */
  readonly isFrequent?: boolean;
}
