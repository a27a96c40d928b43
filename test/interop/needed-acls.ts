import type { Acl } from "../../packages/client/src/index.ts";

/** An operation on a resource, whose name is a prefix if it ends with `*`. */
export type Need = readonly [Acl["resourceType"], name: string, Acl["operation"]];

export function aclOf(principal: string, [resourceType, name, operation]: Need): Acl {
  const isPrefix = name.endsWith("*");
  return {
    ...{ resourceType, resourceName: isPrefix ? name.slice(0, -1) : name },
    patternType: isPrefix ? "prefixed" : "literal",
    ...{ principal, host: "*", operation, permission: "allow" },
  };
}
