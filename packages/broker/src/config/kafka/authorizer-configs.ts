/** The only authorizer there is, by the name of its class in Kafka. */
export const STANDARD_AUTHORIZER = "org.apache.kafka.metadata.authorizer.StandardAuthorizer";

export function authorizerProblem(value: string): string | null {
  if (value === "" || value === STANDARD_AUTHORIZER) return null;
  return `must be ${STANDARD_AUTHORIZER}, for ACLs, or empty: then everybody may do everything`;
}

/** The principals in `super.users`, which `;` separates: names of certificates have commas. */
export function superUsers(value: string): string[] {
  return value
    .split(";")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

export function superUsersProblem(value: string): string | null {
  const wrong = superUsers(value).find((part) => !part.includes(":"));
  return wrong === undefined ? null : `'${wrong}' must be like User:NAME`;
}
