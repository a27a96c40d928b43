import type { Clock } from "../env/env.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { ClientQuotaManager } from "../quotas/client-quota-manager.ts";

/** Measures clients by the quotas in the metadata, and follows these. */
export function openQuotas(metadata: Metadata, clock: Clock): ClientQuotaManager {
  const config = metadata.brokerConfig();
  const windows = { client: config.quotaWindow, controller: config.controllerQuotaWindow };
  const manager = new ClientQuotaManager(windows, clock);
  let { quotas } = metadata.image;
  manager.update(quotas);
  metadata.onChange((_, image) => {
    if (image.quotas === quotas) return;
    quotas = image.quotas;
    manager.update(quotas);
  });
  return manager;
}
