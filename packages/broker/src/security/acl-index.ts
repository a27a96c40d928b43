import { AclPatternType } from "@tarpan/protocol";
import { type Acl, WILDCARD } from "./acl.ts";
import { PatternAcls } from "./pattern-acls.ts";
import { PrefixMap } from "./prefix-map.ts";

/**
 * The ACLs of one resource type, found by a resource's name and by principal, so that neither many
 * names nor many users make a check slow.
 */
export class AclIndex {
  readonly #literal = new Map<string, PatternAcls>();
  readonly #prefixed = new PrefixMap<PatternAcls>();
  readonly #byPrincipal = new Map<string, Set<Acl>>();

  add(acl: Acl): void {
    const { resourceName: name, principal } = acl;
    const patterns = this.#patternsOf(acl);
    let pattern = patterns.get(name);
    if (pattern === undefined) {
      pattern = new PatternAcls();
      patterns.set(name, pattern);
    }
    pattern.add(acl);
    const own = this.#byPrincipal.get(principal);
    if (own === undefined) this.#byPrincipal.set(principal, new Set([acl]));
    else own.add(acl);
  }

  /** `acl` must be the object that was added. */
  remove(acl: Acl): void {
    const { resourceName: name, principal } = acl;
    const patterns = this.#patternsOf(acl);
    const pattern = patterns.get(name)!;
    pattern.remove(acl);
    if (pattern.isEmpty) patterns.delete(name);
    const own = this.#byPrincipal.get(principal)!;
    own.delete(acl);
    if (own.size === 0) this.#byPrincipal.delete(principal);
  }

  /** Calls `visit` with the ACLs of each pattern that applies to the name, until one is true. */
  some(name: string, visit: (acls: PatternAcls) => boolean): boolean {
    const own = this.#literal.get(name);
    if (own !== undefined && visit(own)) return true;
    const all = name === WILDCARD ? undefined : this.#literal.get(WILDCARD);
    if (all !== undefined && visit(all)) return true;
    return this.#prefixed.some(name, visit);
  }

  ofPrincipal(principal: string): Iterable<Acl> {
    return this.#byPrincipal.get(principal) ?? [];
  }

  #patternsOf({ patternType }: Acl): Patterns {
    return patternType === AclPatternType.prefixed ? this.#prefixed : this.#literal;
  }
}

interface Patterns {
  get(name: string): PatternAcls | undefined;
  set(name: string, acls: PatternAcls): void;
  delete(name: string): void;
}
