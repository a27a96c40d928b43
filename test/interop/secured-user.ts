import type { Acl } from "../../packages/client/src/index.ts";
import type { Login, SecuredBroker } from "./secured-broker.ts";

/** An operation on a resource, whose name is a prefix if it ends with `*`. */
export type Need = readonly [Acl["resourceType"], name: string, Acl["operation"]];

/** Makes a user who may do this, and nothing else. */
export async function createUserWith(
  broker: SecuredBroker,
  username: string,
  needs: readonly Need[],
): Promise<Login> {
  const login = { username, password: `${username}-secret` };
  await broker.createUser(login);
  await broker.admin.createAcls(needs.map((need) => aclOf(`User:${username}`, need)));
  return login;
}

export function aclOf(principal: string, [resourceType, name, operation]: Need): Acl {
  const isPrefix = name.endsWith("*");
  return {
    ...{ resourceType, resourceName: isPrefix ? name.slice(0, -1) : name },
    patternType: isPrefix ? "prefixed" : "literal",
    ...{ principal, host: "*", operation, permission: "allow" },
  };
}

/** A file of properties, as Kafka's programs read it. */
export function propertiesText(properties: Readonly<Record<string, string | number>>): string {
  const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`);
  return lines.join("");
}
