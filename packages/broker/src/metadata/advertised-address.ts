import { advertisedListener } from "../config/kafka/listener.ts";
import type { BrokerSettings } from "../config/settings.ts";

/** Host and port at which a client reached this broker. */
export interface LocalEnd {
  readonly localAddress: string;
  readonly localPort: number;
}

const EVERY_ADDRESS = new Set(["0.0.0.0", "::", ""]);

/**
 * The address of this broker for a client: `advertised.listeners` if it is set. Otherwise the bind
 * address or, if the broker is bound to every address, the one at which the client reached it,
 * which works for that client. The port is then the one that the client reached.
 */
export function advertisedAddress(
  settings: Pick<BrokerSettings, "bindAddress" | "kafkaConfigs">,
  connection: LocalEnd,
): { host: string; port: number } {
  const { bindAddress, kafkaConfigs } = settings;
  const advertised = advertisedListener(kafkaConfigs);
  if (advertised !== null) return advertised;
  const host = EVERY_ADDRESS.has(bindAddress) ? connection.localAddress : bindAddress;
  // On a dual-stack socket an IPv4 address looks like ::ffff:a.b.c.d, to which the client could
  // not connect.
  return { host: host.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, ""), port: connection.localPort };
}

/**
 * The address of this broker that other brokers give to clients: they can't know which of its
 * addresses a client can reach. If it is bound to every address, this is the one at which the
 * brokers reach it themselves.
 */
export function registeredAddress(
  settings: Pick<BrokerSettings, "bindAddress" | "kafkaConfigs" | "cluster">,
  port: number,
): { host: string; port: number } {
  const { bindAddress, kafkaConfigs, cluster } = settings;
  const advertised = advertisedListener(kafkaConfigs);
  if (advertised !== null) return advertised;
  const everywhere = EVERY_ADDRESS.has(bindAddress) && cluster?.engine.kind === "managed";
  return { host: everywhere ? cluster.engine.raftHost : bindAddress, port };
}
