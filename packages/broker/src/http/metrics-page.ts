import type { Metric, Registry } from "prom-client";
import type { BrokerAdmin } from "../admin/broker-admin.ts";
import type { GroupUsage } from "../admin/groups-admin.ts";
import { HttpError } from "./http-error.ts";
import { type Family, familiesOf } from "./metric-families.ts";

/** Serves Prometheus' text format. Each broker has its own registry, made at the first scrape. */
export function metricsPage(
  broker: BrokerAdmin,
  importProm = importPromClient,
): () => Promise<{ contentType: string; body: string }> {
  let registry: Promise<Registry> | null = null;
  // Collected once per scrape for all families. Scrapes at the same time may share the newest.
  let groups: GroupUsage = { groups: [], offsets: [] };
  return async () => {
    groups = await broker.groups.usage();
    registry ??= importProm().then(
      (prom) => registryOf(prom, broker, () => groups),
      (error) => {
        registry = null;
        throw error;
      },
    );
    const { contentType } = await registry;
    return { contentType, body: await (await registry).metrics() };
  };
}

type PromClient = typeof import("prom-client");

/** Rejects with HttpError. Also called soon after the broker's start: see load-later.ts. */
export async function importPromClient(): Promise<PromClient> {
  try {
    return (await import("prom-client")).default;
  } catch (error) {
    const { message } = error as Error;
    throw new HttpError(503, `metrics can't be served, restart the broker: ${message}`);
  }
}

function registryOf(prom: PromClient, broker: BrokerAdmin, groups: () => GroupUsage): Registry {
  const registry = new prom.Registry();
  prom.collectDefaultMetrics({ register: registry });
  for (const family of familiesOf(broker, groups)) registry.registerMetric(asMetric(family));
  return registry;
}

/** The broker counts the values itself, as plain numbers; prom-client calls `get` to read them. */
function asMetric(family: Family): Metric {
  const get = async () => ({ ...family, values: [...family.collect()] });
  return { name: family.name, get } as unknown as Metric;
}
