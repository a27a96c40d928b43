import type { Metric, Registry } from "prom-client";
import type { BrokerView } from "./broker-view.ts";
import { type Family, familiesOf } from "./metric-families.ts";

/** Prometheus' text format, from a registry of its own for each broker; loaded when first asked. */
export function metricsPage(
  view: BrokerView,
): () => Promise<{ contentType: string; body: string }> {
  let registry: Promise<Registry> | null = null;
  return async () => {
    registry ??= load(view);
    const { contentType } = await registry;
    return { contentType, body: await (await registry).metrics() };
  };
}

async function load(view: BrokerView): Promise<Registry> {
  const { default: prom } = await import("prom-client");
  const registry = new prom.Registry();
  prom.collectDefaultMetrics({ register: registry });
  for (const family of familiesOf(view)) registry.registerMetric(asMetric(family));
  return registry;
}

/** Counted elsewhere as plain numbers, so all that prom-client needs is how to get them. */
function asMetric(family: Family): Metric {
  const get = async () => ({ ...family, values: [...family.collect()] });
  return { name: family.name, get } as unknown as Metric;
}
