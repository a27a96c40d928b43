import type { Metric, Registry } from "prom-client";
import type { BrokerAdmin } from "../admin/broker-admin.ts";
import type { Family, Scrape } from "./family.ts";
import { HttpError } from "./http-error.ts";
import { familiesOf } from "./metric-families.ts";

/** Prometheus' text format. Each broker has a registry of its own, made at the first scrape. */
export function metricsPage(
  broker: BrokerAdmin,
  importProm = importPromClient,
): () => Promise<{ contentType: string; body: string }> {
  let registry: Promise<Registry> | null = null;
  // A scrape at the same time sees equally new rows.
  let scrape: Scrape = { groups: { groups: [], offsets: [] }, partitions: [] };
  return async () => {
    const groups = await broker.groups.usage();
    scrape = { groups, partitions: [...broker.partitions()] };
    registry ??= importProm().then(
      (prom) => registryOf(prom, broker, () => scrape),
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

function registryOf(prom: PromClient, broker: BrokerAdmin, scrape: () => Scrape): Registry {
  const registry = new prom.Registry();
  prom.collectDefaultMetrics({ register: registry });
  const inTurn = oneATurn();
  for (const family of familiesOf(broker, scrape)) {
    registry.registerMetric(asMetric(family, inTurn));
  }
  return registry;
}

type InTurn = <T>(work: () => T) => Promise<T>;

/** The values are counted elsewhere as plain numbers; prom-client only needs how to get them. */
function asMetric(family: Family, inTurn: InTurn): Metric {
  const get = () => inTurn(() => ({ ...family, values: [...family.collect()] }));
  return { name: family.name, get } as unknown as Metric;
}

/**
 * Does one piece of work in each turn of the event loop, so that requests are answered in between:
 * a metric may have a line for each of many partitions.
 */
function oneATurn(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(() => new Promise<void>(setImmediate)).then(work);
    last = result.catch(() => {});
    return result;
  };
}
