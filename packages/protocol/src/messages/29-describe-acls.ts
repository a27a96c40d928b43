/**
 * DescribeAcls, versions 1-3.
 *
 * - v1: baseline: pattern types (KIP-290)
 * - v2: flexible
 * - v3: resources of type user (KIP-373)
 */
import { api, array, i8, i16, i32, string } from "../schema.ts";

export const DescribeAcls = api({
  key: 29,
  name: "DescribeAcls",
  versions: "1-3",
  flexible: "2+",
  request: {
    resourceTypeFilter: i8,
    resourceNameFilter: string.nullable(),
    patternTypeFilter: i8.default(3),
    principalFilter: string.nullable(),
    hostFilter: string.nullable(),
    operation: i8,
    permissionType: i8,
  },
  response: {
    throttleTimeMs: i32.default(0),
    errorCode: i16,
    errorMessage: string.nullable(),
    resources: array({
      resourceType: i8,
      resourceName: string,
      patternType: i8.default(3),
      acls: array({
        principal: string,
        host: string,
        operation: i8,
        permissionType: i8,
      }),
    }),
  },
});
