import { AclPatternType } from "@tarpan/protocol";
import { type Acl, WILDCARD } from "./acl.ts";

/** The ACLs of one pattern, such as the topics that begin with `a`, by principal. */
export type PatternAcls = ReadonlyMap<string, readonly Acl[]>;

/**
 * The ACLs of one resource type, found by a resource's name and by principal, so that neither many
 * names nor many users make a check slow.
 */
export class AclIndex {
  readonly #literal = new Map<string, Map<string, Acl[]>>();
  readonly #prefixed = new Map<string, Map<string, Acl[]>>();
  readonly #byPrincipal = new Map<string, Set<Acl>>();
  /** How many prefixes have each length: a name is looked up with each of these lengths. */
  readonly #countOf = new Map<number, number>();
  #lengths: readonly number[] = [];

  add(acl: Acl): void {
    const { resourceName: name, principal } = acl;
    const patterns = this.#patternsOf(acl);
    let pattern = patterns.get(name);
    if (pattern === undefined) {
      pattern = new Map();
      patterns.set(name, pattern);
      if (patterns === this.#prefixed) this.#count(name.length, 1);
    }
    const acls = pattern.get(principal);
    if (acls === undefined) pattern.set(principal, [acl]);
    else acls.push(acl);
    const own = this.#byPrincipal.get(principal);
    if (own === undefined) this.#byPrincipal.set(principal, new Set([acl]));
    else own.add(acl);
  }

  /** `acl` must be the object that was added. */
  remove(acl: Acl): void {
    const { resourceName: name, principal } = acl;
    const patterns = this.#patternsOf(acl);
    const pattern = patterns.get(name)!;
    const left = pattern.get(principal)!.filter((one) => one !== acl);
    if (left.length > 0) pattern.set(principal, left);
    else pattern.delete(principal);
    if (pattern.size === 0) {
      patterns.delete(name);
      if (patterns === this.#prefixed) this.#count(name.length, -1);
    }
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
    for (const length of this.#lengths) {
      if (length > name.length) break;
      const prefixed = this.#prefixed.get(name.slice(0, length));
      if (prefixed !== undefined && visit(prefixed)) return true;
    }
    return false;
  }

  ofPrincipal(principal: string): Iterable<Acl> {
    return this.#byPrincipal.get(principal) ?? [];
  }

  #patternsOf({ patternType }: Acl): Map<string, Map<string, Acl[]>> {
    return patternType === AclPatternType.prefixed ? this.#prefixed : this.#literal;
  }

  #count(length: number, change: number): void {
    const count = (this.#countOf.get(length) ?? 0) + change;
    if (count === 0) this.#countOf.delete(length);
    else this.#countOf.set(length, count);
    if (count < 2) this.#lengths = [...this.#countOf.keys()].sort((a, b) => a - b);
  }
}
