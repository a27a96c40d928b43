import {
  AclOperation,
  AclPatternType,
  AclPermissionType,
  AclResourceType,
  CreateAcls,
  DeleteAcls,
  DescribeAcls,
} from "@tarpan/protocol";
import { type Check, nonEmptyString, oneOf, shape } from "../checks/checks.ts";
import type { Client } from "../connection/client.ts";
import { assertOk } from "../errors.ts";

type NameIn<Codes> = Exclude<keyof Codes, "any" | "match"> & string;

/** Who may, or may not, do what with which resources. */
export interface Acl {
  readonly resourceType: NameIn<typeof AclResourceType>;
  /** `*` names all resources of the type, if the pattern type is literal. */
  readonly resourceName: string;
  readonly patternType: NameIn<typeof AclPatternType>;
  /** Such as `User:alice`; `User:*` is everybody. */
  readonly principal: string;
  /** An IP address; `*` is all hosts. */
  readonly host: string;
  readonly operation: NameIn<typeof AclOperation>;
  readonly permission: NameIn<typeof AclPermissionType>;
}

/** Which ACLs are meant; what is left out matches everything. */
export type AclFilter = {
  readonly [Key in Exclude<keyof Acl, "patternType">]?: Acl[Key] | undefined;
} & {
  /** `match`: all that apply to the resource `resourceName`, also by prefix or wildcard. */
  readonly patternType?: Acl["patternType"] | "any" | "match" | undefined;
};

const namesIn = (codes: Readonly<Record<string, number>>, ...without: readonly string[]) =>
  Object.keys(codes).filter((name) => !without.includes(name));

/** The operations there are, by their names. */
export const ACL_OPERATIONS = namesIn(AclOperation, "any") as readonly Acl["operation"][];

const FIELDS = {
  resourceType: oneOf(...namesIn(AclResourceType, "any")),
  resourceName: nonEmptyString,
  principal: nonEmptyString,
  host: nonEmptyString,
  operation: oneOf(...ACL_OPERATIONS),
  permission: oneOf(...namesIn(AclPermissionType, "any")),
};

export const aclCheck: Check = shape({ ...FIELDS, patternType: oneOf("literal", "prefixed") });

export const aclFilterChecks = { ...FIELDS, patternType: oneOf(...namesIn(AclPatternType)) };

export async function createAcls(client: Client, acls: readonly Acl[]): Promise<void> {
  const creations = acls.map(({ patternType, permission, ...acl }) => ({
    ...acl,
    resourceType: AclResourceType[acl.resourceType],
    resourcePatternType: AclPatternType[patternType],
    operation: AclOperation[acl.operation],
    permissionType: AclPermissionType[permission],
  }));
  const connection = await reach(client);
  const { results } = await connection.request(CreateAcls, { creations });
  for (const [index, { errorCode, errorMessage }] of results.entries()) {
    assertOk(errorCode, `ACL ${aclText(acls[index]!)}`, errorMessage);
  }
}

export async function describeAcls(client: Client, filter: AclFilter): Promise<Acl[]> {
  const connection = await reach(client);
  const answer = await connection.request(DescribeAcls, filterPart(filter));
  assertOk(answer.errorCode, "ACLs", answer.errorMessage);
  return answer.resources.flatMap(({ acls, ...resource }) => {
    return acls.map((entry) => aclOf({ ...resource, ...entry }));
  });
}

export async function deleteAcls(client: Client, filters: readonly AclFilter[]): Promise<Acl[]> {
  const connection = await reach(client);
  const { filterResults } = await connection.request(DeleteAcls, {
    filters: filters.map(filterPart),
  });
  const deleted = new Map<string, Acl>();
  for (const { errorCode, errorMessage, matchingAcls } of filterResults) {
    assertOk(errorCode, "ACLs", errorMessage);
    for (const one of matchingAcls) {
      const acl = aclOf(one);
      assertOk(one.errorCode, `ACL ${aclText(acl)}`, one.errorMessage);
      deleted.set(aclText(acl), acl);
    }
  }
  return [...deleted.values()];
}

/** Any broker: it asks the controller itself. */
function reach(client: Client) {
  return client.retrying("reaching a broker", () => client.anyConnection());
}

function filterPart(filter: AclFilter) {
  const {
    resourceType = "any",
    patternType = "any",
    operation = "any",
    permission = "any",
  } = filter;
  return {
    resourceTypeFilter: AclResourceType[resourceType],
    resourceNameFilter: filter.resourceName ?? null,
    patternTypeFilter: AclPatternType[patternType],
    principalFilter: filter.principal ?? null,
    hostFilter: filter.host ?? null,
    operation: AclOperation[operation],
    permissionType: AclPermissionType[permission],
  };
}

interface Coded {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly patternType: number;
  readonly principal: string;
  readonly host: string;
  readonly operation: number;
  readonly permissionType: number;
}

function aclOf(coded: Coded): Acl {
  const { resourceName, principal, host } = coded;
  return {
    resourceType: nameOf(AclResourceType, coded.resourceType),
    resourceName,
    patternType: nameOf(AclPatternType, coded.patternType),
    ...{ principal, host },
    operation: nameOf(AclOperation, coded.operation),
    permission: nameOf(AclPermissionType, coded.permissionType),
  };
}

/** Of a number that a newer broker may know, "unknown" and the number. */
function nameOf<Codes extends Readonly<Record<string, number>>>(codes: Codes, code: number) {
  const name = Object.keys(codes).find((key) => codes[key] === code) ?? `unknown ${code}`;
  return name as NameIn<Codes>;
}

/** Such as `allow User:a read topic orders (prefixed) from *`. */
export function aclText(acl: Acl): string {
  const { permission, principal, operation, resourceType, resourceName, patternType, host } = acl;
  const pattern = patternType === "literal" ? resourceName : `${resourceName} (${patternType})`;
  return `${permission} ${principal} ${operation} ${resourceType} ${pattern} from ${host}`;
}
