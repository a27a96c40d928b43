/**
 * CreateAcls, versions 1-3.
 *
 * - v1: baseline: pattern types (KIP-290)
 * - v2: flexible
 * - v3: resources of type user (KIP-373)
 */
import { api, array, i8, i16, i32, string } from "../schema.ts";

export const CreateAcls = api({
  key: 30,
  name: "CreateAcls",
  versions: "1-3",
  flexible: "2+",
  request: {
    creations: array({
      resourceType: i8,
      resourceName: string,
      resourcePatternType: i8.default(3),
      principal: string,
      host: string,
      operation: i8,
      permissionType: i8,
    }),
  },
  response: {
    throttleTimeMs: i32.default(0),
    results: array({
      errorCode: i16,
      errorMessage: string.nullable(),
    }),
  },
});
