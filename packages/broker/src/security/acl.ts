import { AclOperation, AclPatternType, AclPermissionType, AclResourceType } from "@tarpan/protocol";

/** One ACL, with Kafka's numbers (`acl-codes.ts`); Kafka's `AclBinding`. */
export interface Acl {
  readonly resourceType: number;
  readonly resourceName: string;
  /** `literal` or `prefixed`. */
  readonly patternType: number;
  /** Such as `User:alice`; `User:*` is everybody. */
  readonly principal: string;
  /** An IP address; `*` is all hosts. */
  readonly host: string;
  readonly operation: number;
  readonly permissionType: number;
}

/** As the name of a literal ACL: all resources of its type. As a host: all hosts. */
export const WILDCARD = "*";

/** Which ACLs are meant; Kafka's `AclBindingFilter`. Null stands for any value. */
export interface AclFilter {
  readonly resourceType: number;
  readonly resourceName: string | null;
  readonly patternType: number;
  readonly principal: string | null;
  readonly host: string | null;
  readonly operation: number;
  readonly permissionType: number;
}

export function matches(filter: AclFilter, acl: Acl): boolean {
  const { resourceType, principal, host, operation, permissionType } = filter;
  return (
    (resourceType === AclResourceType.any || resourceType === acl.resourceType) &&
    (operation === AclOperation.any || operation === acl.operation) &&
    (permissionType === AclPermissionType.any || permissionType === acl.permissionType) &&
    (principal === null || principal === acl.principal) &&
    (host === null || host === acl.host) &&
    matchesPattern(filter, acl)
  );
}

function matchesPattern({ patternType, resourceName }: AclFilter, acl: Acl): boolean {
  const { any, match, prefixed } = AclPatternType;
  if (patternType !== any && patternType !== match && patternType !== acl.patternType) return false;
  if (resourceName === null || resourceName === acl.resourceName) return true;
  if (patternType !== match) return false;
  if (acl.patternType === prefixed) return resourceName.startsWith(acl.resourceName);
  return acl.resourceName === WILDCARD;
}

/** Two ACLs with the same text are the same one. */
export function aclText(acl: Acl): string {
  const { resourceType, resourceName, patternType } = acl;
  const { principal, host, operation, permissionType } = acl;
  const numbers = [resourceType, patternType, operation, permissionType];
  return JSON.stringify([...numbers, resourceName, principal, host]);
}

/** Whether a number is one that Kafka knows; the others count as its UNKNOWN. */
export function isKnown(codes: Readonly<Record<string, number>>, code: number): boolean {
  return Object.values(codes).includes(code);
}
