import { AclOperation, AclResourceType } from "@tarpan/protocol";
import type { Client, Operation, ResourceType } from "./authorizer.ts";
import { type KafkaPrincipal, principalText } from "./principal.ts";

/** How many names are kept, over all clients: above that, all are forgotten. */
const MAX_NAMES = 100_000;

/**
 * Longer names are decided anew each time: a client can ask for names of many kilobytes, and they
 * would fill the memory. No topic has a longer name.
 */
const MAX_NAME_LENGTH = 249;

/** Who asks: the principal as ACLs name it, and the address. */
export interface Asker {
  readonly principal: string;
  readonly host: string;
}

type Decide = (asker: Asker, operation: Operation, type: ResourceType, name: string) => boolean;

/** What is known about all clients with the same principal and address. */
interface Known extends Asker {
  /**
   * By resource type, then by the resource's name: the bit of an operation's code is set if it was
   * decided, and the bit `ALLOWED` above it if it is allowed.
   */
  readonly decisions: (Map<string, number> | undefined)[];
}

const ALLOWED = 16;

/**
 * Decisions of an authorizer, so that a producer or consumer that uses the same topics again costs
 * two lookups. Clients with the same principal and host share theirs.
 */
export class DecisionCache {
  readonly #decide: Decide;
  #byClient = new WeakMap<Client, { principal: KafkaPrincipal; known: Known }>();
  readonly #byPrincipalAndHost = new Map<string, Known>();
  #count = 0;

  constructor(decide: Decide) {
    this.#decide = decide;
  }

  get(client: Client, operation: Operation, type: ResourceType, name: string): boolean {
    const known = this.#knownOf(client);
    if (name.length > MAX_NAME_LENGTH) return this.#decide(known, operation, type, name);
    const index = AclResourceType[type];
    known.decisions[index] ??= new Map();
    const byName = known.decisions[index];
    const code = AclOperation[operation];
    const decided = byName.get(name);
    if (decided !== undefined && (decided & (1 << code)) !== 0) {
      return (decided & (1 << (code + ALLOWED))) !== 0;
    }
    const decision = this.#decide(known, operation, type, name);
    if (decided === undefined) this.#count++;
    if (this.#count > MAX_NAMES) this.clear();
    else {
      const bits = (1 << code) | (Number(decision) << (code + ALLOWED));
      byName.set(name, (decided ?? 0) | bits);
    }
    return decision;
  }

  /** To be called when ACLs have changed. */
  clear(): void {
    // While thousands of ACLs change together, nobody asks in between.
    if (this.#byPrincipalAndHost.size === 0) return;
    this.#byClient = new WeakMap();
    this.#byPrincipalAndHost.clear();
    this.#count = 0;
  }

  #knownOf(client: Client): Known {
    const { principal, remoteAddress: host } = client;
    const found = this.#byClient.get(client);
    // The principal of a connection may change when it authenticates.
    if (found !== undefined && found.principal === principal) return found.known;
    const text = principalText(principal);
    const key = `${host} ${text}`;
    let known = this.#byPrincipalAndHost.get(key);
    if (known === undefined) {
      known = { principal: text, host, decisions: new Array(TYPES) };
      this.#byPrincipalAndHost.set(key, known);
    }
    this.#byClient.set(client, { principal, known });
    return known;
  }
}

const TYPES = Math.max(...Object.values(AclResourceType)) + 1;
