import {
  AclOperation,
  AclPatternType,
  AclPermissionType,
  AclResourceType,
  ErrorCode,
} from "@tarpan/protocol";
import { type Acl, type AclFilter, isKnown, matches } from "../security/acl.ts";
import type { Decision } from "../state-machine/replayed-state.ts";
import type { NextTurn } from "../util/next-turn.ts";
import { nameOf, visitAclsOf } from "./acls-of-filters.ts";
import type { MetadataImage } from "./image.ts";
import { MAX_ACLS_PER_REQUEST } from "./limits.ts";
import { DONE, type Outcome, refused } from "./outcome.ts";
import { type MetadataRecord, removeAclRecord } from "./records.ts";

export type DeletedAcls = Outcome & { readonly acls: readonly Acl[] };

/** What filters have found in an image; see `findAcls`. */
export interface FoundAcls {
  readonly image: MetadataImage;
  readonly ids: readonly string[];
}

/** Finds the ACLs before the decision, because a decision has only one turn of the event loop. */
export async function findAcls(
  image: MetadataImage,
  filters: readonly AclFilter[],
  nextTurn: NextTurn,
): Promise<FoundAcls> {
  const ids: string[] = [];
  const valid = filters.filter((filter) => filterProblem(filter) === null);
  await visitAclsOf(image, valid, nextTurn, (_, id) => ids.push(id));
  return { image, ids };
}

/**
 * One result for each filter, in their order. An ACL that several filters match is in the result of
 * each. If too many match in all, nothing is deleted, as in Kafka. Only ACLs that were found and
 * those that have changed since need to be looked at.
 */
export function decideDeleteAcls(
  image: MetadataImage,
  filters: readonly AclFilter[],
  before: FoundAcls,
): Decision<MetadataRecord, DeletedAcls[]> {
  const found = filters.map((): Acl[] => []);
  const problems = filters.map(filterProblem);
  const indexes = indexesByName(filters, problems);
  const ids = new Set<string>();
  for (const id of new Set([...before.ids, ...image.acls.changedSince(before.image.acls)])) {
    const acl = image.acls.get(id);
    if (acl === undefined) continue;
    for (const name of [acl.resourceName, null]) {
      for (const index of indexes.get(name) ?? []) {
        if (!matches(filters[index]!, acl)) continue;
        ids.add(id);
        found[index]!.push(acl);
      }
    }
    if (ids.size > MAX_ACLS_PER_REQUEST) return tooMany(filters);
  }
  const response = found.map((acls, index): DeletedAcls => {
    const problem = problems[index]!;
    return problem === null ? { ...DONE, acls } : { ...invalid(problem), acls };
  });
  return { records: [...ids].map(removeAclRecord), response };
}

/**
 * The valid filters by the only name that they match, and under null those that may match several.
 * Tools delete ACLs one by one, in one request: all filters times all ACLs would take seconds.
 */
function indexesByName(filters: readonly AclFilter[], problems: readonly (string | null)[]) {
  const indexes = new Map<string | null, number[]>();
  for (const [index, filter] of filters.entries()) {
    if (problems[index] !== null) continue;
    const name = nameOf(filter);
    const known = indexes.get(name);
    if (known === undefined) indexes.set(name, [index]);
    else known.push(index);
  }
  return indexes;
}

function tooMany(filters: readonly AclFilter[]): Decision<MetadataRecord, DeletedAcls[]> {
  const text = `one request can delete ${MAX_ACLS_PER_REQUEST} ACLs, and these are more`;
  const refusal = { ...invalid(text), acls: [] };
  return { records: [], response: filters.map(() => refusal) };
}

const invalid = (problem: string): Outcome => refused(ErrorCode.INVALID_REQUEST, problem);

function filterProblem(filter: AclFilter): string | null {
  const { resourceType, patternType, operation, permissionType } = filter;
  if (!isKnown(AclResourceType, resourceType)) return `there is no resource type ${resourceType}`;
  if (!isKnown(AclPatternType, patternType)) return `there is no pattern type ${patternType}`;
  if (!isKnown(AclOperation, operation)) return `there is no operation ${operation}`;
  if (isKnown(AclPermissionType, permissionType)) return null;
  return `there is no permission type ${permissionType}`;
}
