/** Who a client is; Kafka's `KafkaPrincipal`. */
export interface KafkaPrincipal {
  /** `User` for all clients that the broker itself authenticates. */
  readonly type: string;
  readonly name: string;
}

/** The type of principals that Kafka's own authentication makes. */
export const USER_TYPE = "User";

/** A client that was not authenticated. */
export const ANONYMOUS: KafkaPrincipal = user("ANONYMOUS");

export function user(name: string): KafkaPrincipal {
  return { type: USER_TYPE, name };
}

/** As ACLs and `super.users` name it: `User:alice`. */
export function principalText({ type, name }: KafkaPrincipal): string {
  return `${type}:${name}`;
}

/** Reads `User:alice`; null without a colon. The name may contain more of them, as in Kafka. */
export function parsePrincipal(text: string): KafkaPrincipal | null {
  const colon = text.indexOf(":");
  return colon < 0 ? null : { type: text.slice(0, colon), name: text.slice(colon + 1) };
}

/** Says why `parsePrincipal` returned null. */
export function principalProblem(text: string): string {
  return `a principal is TYPE:NAME, such as User:alice, not '${text}'`;
}
