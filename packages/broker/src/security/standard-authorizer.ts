import { AclOperation, AclPatternType, AclPermissionType, AclResourceType } from "@tarpan/protocol";
import { type Acl, WILDCARD } from "./acl.ts";
import { AclIndex } from "./acl-index.ts";
import type { Authorizer, Client, Operation, ResourceType } from "./authorizer.ts";
import { type Asker, DecisionCache } from "./decision-cache.ts";
import { canonicalHost } from "./host.ts";
import type { PatternAcls } from "./pattern-acls.ts";
import { principalText, USER_TYPE } from "./principal.ts";

export interface AuthorizerOptions {
  /** Principals such as `User:admin`, who may do everything. */
  readonly superUsers: readonly string[];
  /** Whether everybody may use a resource to which no ACL applies. */
  readonly allowEveryoneIfNoAcl: boolean;
}

const EVERYBODY = `${USER_TYPE}:${WILDCARD}`;

const { allow } = AclPermissionType;

/** The operations that an ALLOW of the numbered one includes; a DENY includes no other. */
const IMPLIED_BY: Partial<Record<Operation, readonly number[]>> = {
  describe: [AclOperation.read, AclOperation.write, AclOperation.delete, AclOperation.alter],
  describeConfigs: [AclOperation.alterConfigs],
};

/**
 * Kafka's `StandardAuthorizer`. A super user may do everything. Otherwise a DENY that applies wins,
 * then an ALLOW that applies. Without either the client is refused, unless no ACL at all, of any
 * principal or operation, applies to the resource, and `allow.everyone.if.no.acl.found` is set.
 */
export class StandardAuthorizer implements Authorizer {
  readonly hasAcls = true;
  readonly #superUsers: ReadonlySet<string>;
  readonly #allowEveryoneIfNoAcl: boolean;
  readonly #indexes = new Map<number, AclIndex>();
  /** What the index has for an ACL whose host is written in another form than a connection's. */
  readonly #indexed = new Map<Acl, Acl>();

  readonly #cache = new DecisionCache((...asked) => this.#decide(...asked));

  constructor({ superUsers, allowEveryoneIfNoAcl }: AuthorizerOptions) {
    this.#superUsers = new Set(superUsers);
    this.#allowEveryoneIfNoAcl = allowEveryoneIfNoAcl;
  }

  add(acl: Acl): void {
    const host = canonicalHost(acl.host);
    const indexed = host === acl.host ? acl : { ...acl, host };
    if (indexed !== acl) this.#indexed.set(acl, indexed);
    this.#indexOf(acl.resourceType).add(indexed);
    this.#cache.clear();
  }

  /** `acl` must be the object that was added. */
  remove(acl: Acl): void {
    this.#indexOf(acl.resourceType).remove(this.#indexed.get(acl) ?? acl);
    this.#indexed.delete(acl);
    this.#cache.clear();
  }

  allows(client: Client, operation: Operation, type: ResourceType, name: string): boolean {
    return this.#cache.get(client, operation, type, name);
  }

  #decide(asker: Asker, operation: Operation, type: ResourceType, name: string): boolean {
    const { principal, host } = asker;
    if (this.#superUsers.has(principal)) return true;
    const principals = [principal, EVERYBODY];
    const asked = AclOperation[operation];
    const implying = IMPLIED_BY[operation];
    let isFound = false;
    let isAllowed = false;
    const denies = (acl: Acl): boolean => {
      if (acl.principal !== principal && acl.principal !== EVERYBODY) return false;
      if (acl.host !== WILDCARD && acl.host !== host) return false;
      const isSame = acl.operation === asked || acl.operation === AclOperation.all;
      if (acl.permissionType !== allow) return isSame;
      if (isSame || implying?.includes(acl.operation)) isAllowed = true;
      return false;
    };
    const isDenied = this.#indexOf(AclResourceType[type]).some(name, (pattern: PatternAcls) => {
      isFound = true;
      return pattern.some(principals, denies);
    });
    if (isDenied) return false;
    return isAllowed || (!isFound && this.#allowEveryoneIfNoAcl);
  }

  /** As the default method of Kafka's `Authorizer`: implied operations do not count. */
  allowsAny(client: Client, operation: Operation, type: ResourceType): boolean {
    // As in Kafka this name stands for one without ACLs, for super users and allow.everyone.
    if (this.allows(client, operation, type, "hardcode")) return true;
    const allowed: Acl[] = [];
    const denied = new Set<string>();
    for (const acl of this.#aclsOf(client, operation, type)) {
      const isAll = acl.resourceName === WILDCARD && acl.patternType === AclPatternType.literal;
      if (acl.permissionType === allow) allowed.push(acl);
      else if (isAll) return false;
      else denied.add(patternText(acl.patternType, acl.resourceName));
    }
    return allowed.some((acl) => !isCovered(acl, denied));
  }

  *#aclsOf(client: Client, operation: Operation, type: ResourceType): Generator<Acl> {
    const index = this.#indexOf(AclResourceType[type]);
    for (const principal of new Set([principalText(client.principal), EVERYBODY])) {
      for (const acl of index.ofPrincipal(principal)) {
        if (acl.host !== WILDCARD && acl.host !== client.remoteAddress) continue;
        const { operation: code } = acl;
        if (code === AclOperation[operation] || code === AclOperation.all) yield acl;
      }
    }
  }

  #indexOf(resourceType: number): AclIndex {
    let index = this.#indexes.get(resourceType);
    if (index === undefined) {
      index = new AclIndex();
      this.#indexes.set(resourceType, index);
    }
    return index;
  }
}

/** Whether a DENY of the same name, or of a prefix of it, takes back all that the ACL allows. */
function isCovered({ patternType, resourceName }: Acl, denied: ReadonlySet<string>): boolean {
  const { literal, prefixed } = AclPatternType;
  const isAll = patternType === literal && resourceName === WILDCARD;
  if (isAll) return false;
  if (patternType === literal && denied.has(patternText(literal, resourceName))) return true;
  for (let length = 1; length <= resourceName.length; length++) {
    if (denied.has(patternText(prefixed, resourceName.slice(0, length)))) return true;
  }
  return false;
}

const patternText = (patternType: number, name: string) => `${patternType} ${name}`;
