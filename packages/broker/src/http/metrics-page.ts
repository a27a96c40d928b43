import type { Metric, Registry } from "prom-client";
import type { BrokerView, GroupUsage } from "./broker-view.ts";
import { type Family, familiesOf } from "./metric-families.ts";

/** Prometheus' text format, from a registry of its own for each broker; loaded when first asked. */
export function metricsPage(
  view: BrokerView,
): () => Promise<{ contentType: string; body: string }> {
  let registry: Promise<Registry> | null = null;
  // Gathered once for all families of a scrape; one at the same time finds rows as new as its own.
  let groups: GroupUsage = { groups: [], offsets: [] };
  return async () => {
    groups = await view.groups.usage();
    registry ??= load(view, () => groups);
    const { contentType } = await registry;
    return { contentType, body: await (await registry).metrics() };
  };
}

async function load(view: BrokerView, groups: () => GroupUsage): Promise<Registry> {
  const { default: prom } = await import("prom-client");
  const registry = new prom.Registry();
  prom.collectDefaultMetrics({ register: registry });
  for (const family of familiesOf(view, groups)) registry.registerMetric(asMetric(family));
  return registry;
}

/** Counted elsewhere as plain numbers, so all that prom-client needs is how to get them. */
function asMetric(family: Family): Metric {
  const get = async () => ({ ...family, values: [...family.collect()] });
  return { name: family.name, get } as unknown as Metric;
}
