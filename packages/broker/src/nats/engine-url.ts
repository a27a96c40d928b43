/** Where an external engine is, its credentials apart so that no log shows them. */
export interface EngineAddress {
  readonly servers: readonly string[];
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly token: string | undefined;
}

const DEFAULT_PORT = "4222";

/**
 * Takes `nats://user:password@host:port` apart. The credentials of the first one that has any
 * count.
 */
export function engineAddress(urls: readonly string[]): EngineAddress {
  const parsed = urls.map((text) => new URL(text.includes("://") ? text : `nats://${text}`));
  const secret = parsed.find(({ username }) => username !== "");
  const user = secret && decodeURIComponent(secret.username);
  const password = secret?.password ? decodeURIComponent(secret.password) : undefined;
  return {
    servers: parsed.map(
      ({ protocol, hostname, port }) => `${protocol}//${hostname}:${port || DEFAULT_PORT}`,
    ),
    // As NATS has it: a name without a password is a token.
    user: password === undefined ? undefined : user,
    password,
    token: password === undefined ? user : undefined,
  };
}
