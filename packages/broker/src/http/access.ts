import type { AuditedClient } from "../audit/audit-event.ts";
import type { AuditLog } from "../audit/audit-log.ts";
import {
  type Authorizer,
  CLUSTER_NAME,
  type Operation,
  type ResourceType,
} from "../security/authorizer.ts";
import { ANONYMOUS, type KafkaPrincipal } from "../security/principal.ts";
import { HttpError } from "./http-error.ts";

export interface Rules {
  /** Null: the client may do nothing. */
  readonly authorizer: Authorizer | null;
  readonly audit: AuditLog;
}

/** What the client of one request may do. */
export class Access {
  readonly client: AuditedClient;
  /** Whether a certificate or a log-in says who the client is. */
  readonly isKnown: boolean;
  readonly #authorizer: Authorizer | null;
  readonly #audit: AuditLog;

  constructor(client: AuditedClient, { authorizer, audit }: Rules) {
    this.client = client;
    this.isKnown = !isAnonymous(client.principal);
    this.#authorizer = authorizer;
    this.#audit = audit;
  }

  /** If not, something is left out of the answer. */
  allows(operation: Operation, type: ResourceType, name: string): boolean {
    return this.#authorizer?.allows(this.client, operation, type, name) ?? false;
  }

  allowsOnCluster(operation: Operation): boolean {
    return this.allows(operation, "cluster", CLUSTER_NAME);
  }

  /** Throws HttpError 403, whose text repeats only what the client sent. */
  expect(operation: Operation, type: ResourceType, name: string): void {
    if (this.allows(operation, type, name)) return;
    this.#audit.refused(this.client, operation, type, name);
    const of = type === "cluster" ? "the cluster" : `the ${type} ${name}`;
    throw new HttpError(403, `this takes the permission ${operation} on ${of}`);
  }
}

/** Also of a certificate that a rule maps to this name. */
function isAnonymous({ type, name }: KafkaPrincipal): boolean {
  return type === ANONYMOUS.type && name === ANONYMOUS.name;
}

/** Whether the client may see what names this topic. */
export function isShownTo(access: Access): (named: { readonly topic: string }) => boolean {
  return ({ topic }) => access.allows("describe", "topic", topic);
}
