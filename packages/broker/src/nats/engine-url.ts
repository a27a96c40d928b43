import { Secret } from "../util/secret.ts";

/** Addresses of external NATS servers. Credentials are separate, so that no log shows them. */
export interface EngineAddress {
  readonly servers: readonly string[];
  readonly user: string | undefined;
  readonly password: Secret | undefined;
}

const DEFAULT_PORT = "4222";

/** Parses `nats://user:password@host:port`. The first URL with credentials gives them for all. */
export function engineAddress(urls: readonly string[]): EngineAddress {
  const parsed = urls.map((text) => new URL(text.includes("://") ? text : `nats://${text}`));
  const first = parsed.find(({ username }) => username !== "");
  const password = first?.password;
  return {
    servers: parsed.map(
      ({ protocol, hostname, port }) => `${protocol}//${hostname}:${port || DEFAULT_PORT}`,
    ),
    user: first && decodeURIComponent(first.username),
    password: password ? new Secret(decodeURIComponent(password)) : undefined,
  };
}
