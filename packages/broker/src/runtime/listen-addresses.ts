import { listenersOf } from "../config/listeners.ts";
import type { BrokerSettings } from "../config/settings.ts";
import type { Env } from "../env/env.ts";
import type { Logger } from "../logging/logger.ts";
import type { ListenAddress } from "../server/bound-server.ts";
import type { ListenerTls } from "../tls/listener-tls.ts";

export interface SecuredAddress extends ListenAddress {
  readonly tls: ListenerTls | null;
}

/** The addresses of the listeners. Rejects with ConfigError for certificates that can't be used. */
export async function listenAddresses(
  settings: BrokerSettings,
  parts: { readonly env: Env; readonly logger: Logger },
): Promise<SecuredAddress[]> {
  const addresses: SecuredAddress[] = [];
  for (const { name, host, port, tls } of listenersOf(settings)) {
    addresses.push({ name, host, port, tls: tls && (await openTls({ name, tls }, parts)) });
  }
  return addresses;
}

/** A broker without TLS never loads its code. */
async function openTls(
  listener: Parameters<typeof ListenerTls.open>[0],
  parts: Parameters<typeof ListenerTls.open>[1],
): Promise<ListenerTls | null> {
  const { ListenerTls } = await import("../tls/listener-tls.ts");
  return ListenerTls.open(listener, parts);
}
