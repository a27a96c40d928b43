import { AclPatternType } from "@tarpan/protocol";
import { type Acl, type AclFilter, matches } from "../security/acl.ts";
import { inTurns, type NextTurn } from "../util/next-turn.ts";
import type { MetadataImage } from "./image.ts";
import { FILTERED_ACLS_PER_TURN } from "./limits.ts";

/** The only resource name that a filter can match; null if it may match several. */
export function nameOf({ patternType, resourceName }: AclFilter): string | null {
  return patternType === AclPatternType.match ? null : resourceName;
}

/**
 * Calls `visit` with each ACL that at least one of the filters matches. Unless all filters have a
 * name, all ACLs are looked at, some in each turn of the event loop: there may be a hundred
 * thousand.
 */
export async function visitAclsOf(
  { acls, aclIds }: MetadataImage,
  filters: readonly AclFilter[],
  nextTurn: NextTurn,
  visit: (acl: Acl, id: string) => void,
): Promise<void> {
  const names = new Set(filters.map(nameOf));
  const wide = filters.filter((filter) => nameOf(filter) === null);
  const named = filters.length === wide.length ? NONE : byName(filters);
  if (!names.has(null)) {
    const ids = function* () {
      for (const name of names) yield* aclIds.get(name!) ?? [];
    };
    return inTurns(ids(), FILTERED_ACLS_PER_TURN, nextTurn, (id) => {
      const acl = acls.get(id)!;
      if (named.get(acl.resourceName)!.some((filter) => matches(filter, acl))) visit(acl, id);
    });
  }
  const perTurn = Math.ceil(FILTERED_ACLS_PER_TURN / wide.length);
  return inTurns(acls, perTurn, nextTurn, ([id, acl]) => {
    const own = named.get(acl.resourceName) ?? [];
    const isMatched = (filter: AclFilter) => matches(filter, acl);
    if (wide.some(isMatched) || own.some(isMatched)) visit(acl, id);
  });
}

const NONE: ReadonlyMap<string, readonly AclFilter[]> = new Map();

function byName(filters: readonly AclFilter[]): Map<string, AclFilter[]> {
  const named = new Map<string, AclFilter[]>();
  for (const filter of filters) {
    const name = nameOf(filter);
    if (name === null) continue;
    const known = named.get(name);
    if (known === undefined) named.set(name, [filter]);
    else known.push(filter);
  }
  return named;
}
