import { AclOperation, AclPatternType, AclPermissionType, AclResourceType } from "@tarpan/protocol";
import type { Acl } from "../../src/security/acl.ts";
import type { Client } from "../../src/security/authorizer.ts";
import { parsePrincipal } from "../../src/security/principal.ts";

/** An ACL as text: `allow User:a read topic t`, or `deny User:* all group p* from 10.0.0.1`. */
export function acl(text: string): Acl {
  const [permission, principal, operation, type, pattern, , host = "*"] = text.split(" ");
  const isPrefixed = pattern!.length > 1 && pattern!.endsWith("*");
  return {
    resourceType: AclResourceType[type as keyof typeof AclResourceType],
    resourceName: isPrefixed ? pattern!.slice(0, -1) : pattern!,
    patternType: isPrefixed ? AclPatternType.prefixed : AclPatternType.literal,
    ...{ principal: principal!, host },
    operation: AclOperation[operation as keyof typeof AclOperation],
    permissionType: AclPermissionType[permission as keyof typeof AclPermissionType],
  };
}

export function client(principal: string, remoteAddress = "10.0.0.9"): Client {
  return { principal: parsePrincipal(principal)!, remoteAddress };
}
