import { AclOperation, AclResourceType } from "@tarpan/protocol";
import type { Client, Operation, ResourceType } from "./authorizer.ts";
import { type KafkaPrincipal, principalText } from "./principal.ts";

/** How many decisions are kept: above that, all are forgotten. About 100 bytes each. */
const MAX_DECISIONS = 100_000;

/**
 * Longer names are decided anew each time: a client can ask for names of many kilobytes, and they
 * would fill the memory. No topic has a longer name.
 */
const MAX_NAME_LENGTH = 249;

/** By operation and resource type, then by the resource's name. */
type Decisions = Map<string, boolean>[];

/**
 * Decisions of an authorizer, so that a producer or consumer that uses the same topics again costs
 * two lookups. Clients with the same principal and host share theirs.
 */
export class DecisionCache {
  readonly #decide: (client: Client, op: Operation, type: ResourceType, name: string) => boolean;
  #byClient = new WeakMap<Client, { principal: KafkaPrincipal; decisions: Decisions }>();
  readonly #byPrincipalAndHost = new Map<string, Decisions>();
  #count = 0;

  constructor(decide: DecisionCache["get"]) {
    this.#decide = decide;
  }

  get(client: Client, operation: Operation, type: ResourceType, name: string): boolean {
    if (name.length > MAX_NAME_LENGTH) return this.#decide(client, operation, type, name);
    const decisions = this.#decisionsOf(client);
    const index = AclOperation[operation] * TYPES + AclResourceType[type];
    decisions[index] ??= new Map();
    const byName = decisions[index];
    const known = byName.get(name);
    if (known !== undefined) return known;
    const decision = this.#decide(client, operation, type, name);
    this.#count++;
    if (this.#count > MAX_DECISIONS) this.clear();
    else byName.set(name, decision);
    return decision;
  }

  /** To be called when ACLs have changed. */
  clear(): void {
    this.#byClient = new WeakMap();
    this.#byPrincipalAndHost.clear();
    this.#count = 0;
  }

  #decisionsOf(client: Client): Decisions {
    const { principal, remoteAddress } = client;
    const known = this.#byClient.get(client);
    // The principal of a connection may change when it authenticates.
    if (known !== undefined && known.principal === principal) return known.decisions;
    const key = `${remoteAddress} ${principalText(principal)}`;
    let decisions = this.#byPrincipalAndHost.get(key);
    if (decisions === undefined) {
      decisions = [];
      this.#byPrincipalAndHost.set(key, decisions);
    }
    this.#byClient.set(client, { principal, decisions });
    return decisions;
  }
}

const TYPES = Math.max(...Object.values(AclResourceType)) + 1;
