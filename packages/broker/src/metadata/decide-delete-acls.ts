import {
  AclOperation,
  AclPatternType,
  AclPermissionType,
  AclResourceType,
  ErrorCode,
} from "@tarpan/protocol";
import { type Acl, type AclFilter, isKnown, matches } from "../security/acl.ts";
import type { Decision } from "../state-machine/replayed-state.ts";
import type { MetadataImage } from "./image.ts";
import { MAX_ACLS_PER_REQUEST } from "./limits.ts";
import { DONE, type Outcome, refused } from "./outcome.ts";
import { type MetadataRecord, removeAclRecord } from "./records.ts";

export type DeletedAcls = Outcome & { readonly acls: readonly Acl[] };

/**
 * One result for each filter, in their order. An ACL that several filters match is in the result of
 * each. If too many match in all, nothing is deleted, as in Kafka.
 */
export function decideDeleteAcls(
  image: MetadataImage,
  filters: readonly AclFilter[],
): Decision<MetadataRecord, DeletedAcls[]> {
  const ids = new Set<string>();
  const response = filters.map((filter): DeletedAcls => {
    const problem = filterProblem(filter);
    if (problem !== null) return { ...refused(ErrorCode.INVALID_REQUEST, problem), acls: [] };
    const found = [...image.acls].filter(([, acl]) => matches(filter, acl));
    for (const [id] of found) ids.add(id);
    return { ...DONE, acls: found.map(([, acl]) => acl) };
  });
  if (ids.size > MAX_ACLS_PER_REQUEST) {
    const text = `one request can delete ${MAX_ACLS_PER_REQUEST} ACLs, not ${ids.size}`;
    const refusal = { ...refused(ErrorCode.INVALID_REQUEST, text), acls: [] };
    return { records: [], response: filters.map(() => refusal) };
  }
  return { records: [...ids].map(removeAclRecord), response };
}

function filterProblem(filter: AclFilter): string | null {
  const { resourceType, patternType, operation, permissionType } = filter;
  if (!isKnown(AclResourceType, resourceType)) return `there is no resource type ${resourceType}`;
  if (!isKnown(AclPatternType, patternType)) return `there is no pattern type ${patternType}`;
  if (!isKnown(AclOperation, operation)) return `there is no operation ${operation}`;
  if (isKnown(AclPermissionType, permissionType)) return null;
  return `there is no permission type ${permissionType}`;
}
