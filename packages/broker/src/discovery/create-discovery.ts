import type { ClusterSettings } from "../config/settings.ts";
import type { Env } from "../env/env.ts";
import type { Logger } from "../logging/logger.ts";
import type { Discovery } from "./discovery.ts";
import { EtcdDiscovery } from "./etcd-discovery.ts";
import { StaticDiscovery } from "./static-discovery.ts";

export function createDiscovery(
  settings: ClusterSettings["discovery"],
  env: Pick<Env, "timers" | "network" | "fs">,
  logger: Logger,
): Discovery {
  return settings.type === "etcd"
    ? new EtcdDiscovery(settings, env, logger)
    : new StaticDiscovery(settings.peers);
}
