import type { Acl } from "./acl.ts";

/** Above this many ACLs they are found by principal. */
const MAX_LISTED = 16;

const NONE: Acl[] = [];

/**
 * The ACLs of one pattern, such as the topics that begin with `a`. Most patterns have one or a few:
 * a map for each of them would take most of an authorizer's memory, and of a decision's time.
 */
export class PatternAcls {
  #first: Acl | null = null;
  #rest: readonly Acl[] = NONE;
  /** All of them, when they are many. */
  #byPrincipal: Map<string, Acl[]> | null = null;

  get isEmpty(): boolean {
    return this.#first === null && this.#byPrincipal === null;
  }

  add(acl: Acl): void {
    if (this.#byPrincipal !== null) addTo(this.#byPrincipal, acl);
    else if (this.#first === null) this.#first = acl;
    else {
      this.#rest = [...this.#rest, acl];
      if (this.#rest.length >= MAX_LISTED) this.#arrange(this.#first);
    }
  }

  /** `acl` must be the object that was added. */
  remove(acl: Acl): void {
    if (this.#byPrincipal !== null) this.#removeFrom(this.#byPrincipal, acl);
    else if (this.#first !== acl) this.#rest = this.#rest.filter((one) => one !== acl);
    else [this.#first = null, ...this.#rest] = this.#rest;
  }

  /** Calls `visit` with the ACLs of the principals, and maybe others, until one is true. */
  some(principals: readonly string[], visit: (acl: Acl) => boolean): boolean {
    const byPrincipal = this.#byPrincipal;
    if (byPrincipal !== null) {
      return principals.some((principal) => byPrincipal.get(principal)?.some(visit));
    }
    if (this.#first === null) return false;
    return visit(this.#first) || this.#rest.some(visit);
  }

  #arrange(first: Acl): void {
    this.#byPrincipal = new Map();
    for (const acl of [first, ...this.#rest]) addTo(this.#byPrincipal, acl);
    this.#first = null;
    this.#rest = NONE;
  }

  #removeFrom(byPrincipal: Map<string, Acl[]>, acl: Acl): void {
    const left = byPrincipal.get(acl.principal)!.filter((one) => one !== acl);
    if (left.length > 0) byPrincipal.set(acl.principal, left);
    else byPrincipal.delete(acl.principal);
    if (byPrincipal.size === 0) this.#byPrincipal = null;
  }
}

function addTo(byPrincipal: Map<string, Acl[]>, acl: Acl): void {
  const acls = byPrincipal.get(acl.principal);
  if (acls === undefined) byPrincipal.set(acl.principal, [acl]);
  else acls.push(acl);
}
