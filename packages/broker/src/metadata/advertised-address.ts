import { advertisedListener } from "../config/kafka/listener.ts";
import type { BrokerSettings } from "../config/settings.ts";

/** Host and port at which a client reached us. */
export interface LocalEnd {
  readonly localAddress: string;
  readonly localPort: number;
}

const EVERY_ADDRESS = new Set(["0.0.0.0", "::", ""]);

/**
 * Where a client is told to find this broker: `advertised.listeners` if it is set. Otherwise the
 * bind address or, bound to every address, the one the client reached us at, which is one that
 * works for it. The port is then always the real one.
 */
export function advertisedAddress(
  settings: Pick<BrokerSettings, "bindAddress" | "kafkaConfigs">,
  connection: LocalEnd,
): { host: string; port: number } {
  const { bindAddress, kafkaConfigs } = settings;
  const advertised = advertisedListener(kafkaConfigs);
  if (advertised !== null) return advertised;
  const host = EVERY_ADDRESS.has(bindAddress) ? connection.localAddress : bindAddress;
  // An IPv4 client on a dual-stack socket appears as ::ffff:a.b.c.d, which it could not dial.
  return { host: host.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, ""), port: connection.localPort };
}

/**
 * Where the other brokers tell clients to find this one: they can't know which of its addresses a
 * client can reach. Bound to every address, it is the one that the brokers themselves reach it at.
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
