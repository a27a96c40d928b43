import {
  type Authorizer,
  CLUSTER_NAME,
  type Client,
  type Operation,
  type ResourceType,
} from "../security/authorizer.ts";
import { ANONYMOUS, type KafkaPrincipal } from "../security/principal.ts";

/** What the client of one request may do. */
export class Access {
  readonly client: Client;
  /** Whether a certificate or a log-in says who the client is. */
  readonly isKnown: boolean;
  readonly #authorizer: Authorizer | null;

  /** Without an authorizer the client may do nothing. */
  constructor(client: Client, authorizer: Authorizer | null) {
    this.client = client;
    this.isKnown = !isAnonymous(client.principal);
    this.#authorizer = authorizer;
  }

  allows(operation: Operation, type: ResourceType, name: string): boolean {
    return this.#authorizer?.allows(this.client, operation, type, name) ?? false;
  }

  allowsOnCluster(operation: Operation): boolean {
    return this.allows(operation, "cluster", CLUSTER_NAME);
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
