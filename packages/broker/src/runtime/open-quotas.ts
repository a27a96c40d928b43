import type { Clock } from "../env/env.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { ClientQuotaManager } from "../quotas/client-quota-manager.ts";
import { IpConnectionRates } from "../quotas/ip-connection-rates.ts";

/** Measures clients by the quotas in the metadata, and follows these. */
export function openQuotas(metadata: Metadata, clock: Clock): ClientQuotaManager {
  const config = metadata.brokerConfig();
  const windows = { client: config.quotaWindow, controller: config.controllerQuotaWindow };
  return following(metadata, new ClientQuotaManager(windows, clock));
}

/** The same for the rates at which addresses may connect. */
export function openIpRates(metadata: Metadata): IpConnectionRates {
  return following(metadata, new IpConnectionRates());
}

function following<T extends ClientQuotaManager | IpConnectionRates>(
  metadata: Metadata,
  follower: T,
): T {
  let { quotas } = metadata.image;
  follower.update(quotas);
  metadata.onChange((_, image) => {
    if (image.quotas === quotas) return;
    quotas = image.quotas;
    follower.update(quotas);
  });
  return follower;
}
