import { type Listener, listenersOf } from "../config/listeners.ts";
import type { SaslSettings } from "../config/sasl-settings.ts";
import type { BrokerSettings } from "../config/settings.ts";
import type { Env } from "../env/env.ts";
import type { Logger } from "../logging/logger.ts";
import type { BearerTokens } from "../sasl/bearer-tokens.ts";
import type { OpenGates } from "../sasl/open-gates.ts";
import type { ListenAddress } from "../server/bound-server.ts";
import type { ListenerTls } from "../tls/listener-tls.ts";

/** The addresses of the listeners, before the users are known. */
export interface SecuredAddresses {
  readonly list: readonly SecuredAddress[];
  /** Null if no listener has SASL. */
  readonly openGates: OpenGates | null;
}

interface SecuredAddress extends Omit<ListenAddress, "gate"> {
  readonly tls: ListenerTls | null;
  readonly sasl: SaslSettings | null;
  /** Null without OAUTHBEARER. */
  readonly tokens: BearerTokens | null;
}

interface Parts {
  readonly env: Env;
  readonly logger: Logger;
}

/** Rejects with ConfigError for certificates that can't be used. */
export async function listenAddresses(
  settings: BrokerSettings,
  parts: Parts,
): Promise<SecuredAddresses> {
  const list: SecuredAddress[] = [];
  for (const listener of listenersOf(settings)) {
    const { name, host, port, sasl } = listener;
    for (const warning of saslWarnings(listener)) parts.logger.warn(warning);
    const [tls, tokens] = [await openTls(listener, parts), await openTokens(listener, parts)];
    list.push({ name, host, port, sasl, tls, tokens });
  }
  if (!list.some(({ sasl }) => sasl !== null)) return { list, openGates: null };
  // A broker without SASL never loads its code.
  const { openGates } = await import("../sasl/open-gates.ts");
  return { list, openGates };
}

/** A broker without TLS never loads its code. */
async function openTls(listener: Listener, parts: Parts): Promise<ListenerTls | null> {
  if (listener.tls === null) return null;
  const { ListenerTls } = await import("../tls/listener-tls.ts");
  return ListenerTls.open(listener, parts);
}

/** A broker without OAUTHBEARER never loads its code. */
async function openTokens({ name, sasl }: Listener, parts: Parts): Promise<BearerTokens | null> {
  if (sasl?.tokens == null) return null;
  const { BearerTokens } = await import("../sasl/bearer-tokens.ts");
  return new BearerTokens(name, sasl.tokens, parts);
}

/** What an operator may have overlooked. */
function saslWarnings({ name, tls, sasl }: Listener): string[] {
  const warnings: string[] = [];
  if (sasl === null) return warnings;
  const readable = "everybody on the network can read the";
  if (sasl.mechanisms.includes("PLAIN") && tls === null) {
    warnings.push(
      `listener ${name} has SASL PLAIN without TLS: ${readable} passwords of its clients`,
    );
  }
  const { tokens } = sasl;
  if (tokens === null) return warnings;
  if (tls === null) {
    warnings.push(
      `listener ${name} has OAUTHBEARER without TLS: ${readable} tokens of its clients`,
    );
  }
  if (tokens.jwks === null) {
    const todo = "use it for tests only, or set sasl.oauthbearer.jwks.endpoint.url";
    const anybody = "takes tokens without a signature, so everybody can be every user";
    return [...warnings, `listener ${name} ${anybody}: ${todo}`];
  }
  if (tokens.jwks.url.protocol === "http:") {
    const forge = "who controls the network can forge tokens";
    warnings.push(`listener ${name} fetches the keys of tokens without TLS: ${forge}`);
  }
  if (tokens.audiences.length === 0) {
    warnings.push(`listener ${name} takes tokens that were issued for other services`);
  }
  if (tokens.issuer === null) warnings.push(`listener ${name} takes tokens of every issuer`);
  return warnings;
}
