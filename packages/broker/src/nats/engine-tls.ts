import type { TlsOptions } from "@nats-io/transport-node";
import type { ExternalEngine } from "../config/settings.ts";

type Check = typeof import("node:tls")["checkServerIdentity"];

/** TLS to external NATS servers; null if nothing demands it. */
export function engineTls(
  files: ExternalEngine["tls"],
  servers: readonly string[],
): (TlsOptions & { readonly checkServerIdentity: Check }) | null {
  if (files === undefined && !servers.some((server) => server.startsWith("tls:"))) return null;
  const hosts = servers.map((server) => new URL(server).hostname.replace(/^\[|\]$/g, ""));
  const { checkServerIdentity } = process.getBuiltinModule("node:tls");
  // The client gives no name for a server that it knows by its IP address, and Node then takes
  // "localhost". The certificate must be for one of the addresses in the configuration.
  const check: Check = (name, certificate) => {
    const names = name === "localhost" ? hosts : [name];
    const problems = names.map((host) => checkServerIdentity(host, certificate));
    return problems.includes(undefined) ? undefined : problems[0];
  };
  return { ...files, checkServerIdentity: check };
}
