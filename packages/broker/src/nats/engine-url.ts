/** Addresses of external NATS servers. Credentials are separate, so that no log shows them. */
export interface EngineAddress {
  readonly servers: readonly string[];
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly token: string | undefined;
}

const DEFAULT_PORT = "4222";

/** Parses `nats://user:password@host:port`. The first URL with credentials gives them for all. */
export function engineAddress(urls: readonly string[]): EngineAddress {
  const parsed = urls.map((text) => new URL(text.includes("://") ? text : `nats://${text}`));
  const secret = parsed.find(({ username }) => username !== "");
  const user = secret && decodeURIComponent(secret.username);
  const password = secret?.password ? decodeURIComponent(secret.password) : undefined;
  return {
    servers: parsed.map(
      ({ protocol, hostname, port }) => `${protocol}//${hostname}:${port || DEFAULT_PORT}`,
    ),
    // As in NATS, a user name without a password is a token.
    user: password === undefined ? undefined : user,
    password,
    token: password === undefined ? user : undefined,
  };
}
