import type { Metric, Registry } from "prom-client";
import type { BrokerAdmin } from "../admin/broker-admin.ts";
import type { GroupUsage } from "../admin/groups-admin.ts";
import { HttpError } from "./http-error.ts";
import { type Family, familiesOf } from "./metric-families.ts";

/** Prometheus' text format, from a registry of its own for each broker; made when first asked. */
export function metricsPage(
  broker: BrokerAdmin,
  importProm = importPromClient,
): () => Promise<{ contentType: string; body: string }> {
  let registry: Promise<Registry> | null = null;
  // Gathered once for all families of a scrape; one at the same time finds rows as new as its own.
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

/** Rejects with HttpError. Also called soon after the start: see load-later.ts. */
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

/** Counted elsewhere as plain numbers, so all that prom-client needs is how to get them. */
function asMetric(family: Family): Metric {
  const get = async () => ({ ...family, values: [...family.collect()] });
  return { name: family.name, get } as unknown as Metric;
}
