import { type Listener, listenersOf } from "../config/listeners.ts";
import type { SaslSettings } from "../config/sasl-settings.ts";
import type { BrokerSettings } from "../config/settings.ts";
import type { Env } from "../env/env.ts";
import type { Logger } from "../logging/logger.ts";
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
    if (sasl?.mechanisms.includes("PLAIN") && listener.tls === null) {
      const readable = "everybody on the network can read the passwords of its clients";
      parts.logger.warn(`listener ${name} has SASL PLAIN without TLS: ${readable}`);
    }
    list.push({ name, host, port, sasl, tls: await openTls(listener, parts) });
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
