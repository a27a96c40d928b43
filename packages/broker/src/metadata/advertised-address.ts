import { SecurityProtocol } from "../config/kafka/listener.ts";
import { listenersOf } from "../config/listeners.ts";
import type { BrokerSettings } from "../config/settings.ts";
import type { EndPoint } from "./image.ts";

/** The listener, and the host and port of it, at which a client reached this broker. */
export interface LocalEnd {
  readonly listener: string;
  readonly localAddress: string;
  readonly localPort: number;
}

type Bound = Pick<BrokerSettings, "bindAddress" | "bindPort" | "kafkaConfigs">;

const EVERY_ADDRESS = new Set(["0.0.0.0", "::", ""]);

/**
 * The address of this broker for a client: that of its listener in `advertised.listeners`, if there
 * is one. Otherwise the bind address or, if the listener is bound to every address, the one at
 * which the client reached it, which works for that client. The port is then the one that the
 * client reached.
 */
export function advertisedAddress(
  settings: Bound,
  connection: LocalEnd,
): { host: string; port: number } {
  const listeners = listenersOf(settings);
  const own = listeners.find(({ name }) => name === connection.listener) ?? listeners[0]!;
  if (own.advertised !== null) return own.advertised;
  const host = EVERY_ADDRESS.has(own.host) ? connection.localAddress : own.host;
  // On a dual-stack socket an IPv4 address looks like ::ffff:a.b.c.d, to which the client could
  // not connect.
  return { host: host.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, ""), port: connection.localPort };
}

/**
 * The addresses of this broker that other brokers give to clients, by listener: they can't know
 * which of its addresses a client can reach. For a listener that is bound to every address, this is
 * the one at which the brokers reach it themselves. `ports` are the real ones of the listeners.
 */
export function registeredEndPoints(
  settings: Bound & Pick<BrokerSettings, "cluster">,
  ports: readonly number[],
): EndPoint[] {
  const { cluster } = settings;
  return listenersOf(settings).map(({ name, protocol, host, advertised }, i) => {
    const everywhere = EVERY_ADDRESS.has(host) && cluster?.engine.kind === "managed";
    const at = advertised ?? {
      host: everywhere ? cluster.engine.raftHost : host,
      port: ports[i]!,
    };
    return { name, ...at, securityProtocol: SecurityProtocol[protocol] };
  });
}
