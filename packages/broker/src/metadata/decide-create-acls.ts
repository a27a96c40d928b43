import {
  AclOperation,
  AclPatternType,
  AclPermissionType,
  AclResourceType,
  ErrorCode,
} from "@tarpan/protocol";
import type { Random } from "../env/env.ts";
import { type Acl, aclText, isKnown } from "../security/acl.ts";
import { CLUSTER_NAME } from "../security/authorizer.ts";
import { parsePrincipal, principalProblem } from "../security/principal.ts";
import type { Decision } from "../state-machine/replayed-state.ts";
import type { MetadataImage } from "./image.ts";
import { MAX_ACLS_PER_REQUEST } from "./limits.ts";
import { DONE, type Outcome, refused } from "./outcome.ts";
import { aclRecord, type MetadataRecord } from "./records.ts";
import { randomUuid } from "./topic-ids.ts";

/** One outcome for each ACL, in their order. As in Kafka, one that exists already is a success. */
export function decideCreateAcls(
  image: MetadataImage,
  acls: readonly Acl[],
  random: Random,
): Decision<MetadataRecord, Outcome[]> {
  if (acls.length > MAX_ACLS_PER_REQUEST) {
    const text = `one request can create ${MAX_ACLS_PER_REQUEST} ACLs, not ${acls.length}`;
    const tooMany = refused(ErrorCode.INVALID_REQUEST, text);
    return { records: [], response: acls.map(() => tooMany) };
  }
  const added = new Map<string, Acl>();
  const response = acls.map((acl) => {
    const refusal = refusalOf(acl);
    if (refusal === null) added.set(aclText(acl), acl);
    return refusal ?? DONE;
  });
  const names = new Set([...added.values()].map(({ resourceName }) => resourceName));
  const principals = new Set([...added.values()].map(({ principal }) => principal));
  for (const name of names) {
    for (const id of image.aclIds.get(name) ?? []) {
      const known = image.acls.get(id)!;
      // One name can have a hundred thousand ACLs, and their texts would take long.
      if (principals.has(known.principal)) added.delete(aclText(known));
    }
  }
  const records = [...added.values()].map((acl) => aclRecord(randomUuid(random), acl));
  return { records, response };
}

function refusalOf(acl: Acl): Outcome | null {
  // As Kafka below metadata.version 4.4: no CIDR ranges.
  if (acl.host.includes("/")) {
    const text = `no range of addresses can be a host: '${acl.host}'`;
    return refused(ErrorCode.UNSUPPORTED_VERSION, text);
  }
  const problem = problemOf(acl);
  return problem === null ? null : refused(ErrorCode.INVALID_REQUEST, problem);
}

function problemOf(acl: Acl): string | null {
  const { resourceType, resourceName, patternType, operation, permissionType } = acl;
  if (resourceType === AclResourceType.cluster && resourceName !== CLUSTER_NAME) {
    return `the only resource of type cluster is ${CLUSTER_NAME}`;
  }
  if (resourceName === "") return "the resource name must not be empty";
  if (!isOf(AclResourceType, resourceType)) return `there is no resource type ${resourceType}`;
  if (patternType !== AclPatternType.literal && patternType !== AclPatternType.prefixed) {
    return `the pattern type must be literal or prefixed, not ${patternType}`;
  }
  if (!isOf(AclOperation, operation)) return `there is no operation ${operation}`;
  if (!isOf(AclPermissionType, permissionType)) {
    return `the permission type must be deny or allow, not ${permissionType}`;
  }
  if (parsePrincipal(acl.principal) === null) return principalProblem(acl.principal);
  return acl.host === "" ? "the host must not be empty: '*' stands for all hosts" : null;
}

/** `any` is for filters only. */
function isOf(codes: Readonly<Record<string, number>> & { any: number }, code: number): boolean {
  return code !== codes.any && isKnown(codes, code);
}
