import type { BrokerAdmin } from "../admin/broker-admin.ts";
import { type Family, gauge } from "./family.ts";

export function quotaFamilies({ quotas }: BrokerAdmin): Family[] {
  return [
    {
      name: "tarpan_quota_throttled_requests_total",
      help: "Requests after which a client was throttled because of a quota",
      type: "counter",
      *collect() {
        for (const { kind: quota, throttled } of quotas.stats) {
          yield { value: throttled.requests, labels: { quota } };
        }
      },
    },
    {
      name: "tarpan_quota_throttle_seconds_total",
      help: "Time for which clients were throttled because of a quota",
      type: "counter",
      *collect() {
        for (const { kind: quota, throttled } of quotas.stats) {
          yield { value: throttled.timeMs / 1000, labels: { quota } };
        }
      },
    },
    {
      name: "tarpan_quota_client_throttled_requests_total",
      help: "The same requests by whom the quota limits; the first 50 of each quota, empty for all",
      type: "counter",
      *collect() {
        for (const { kind: quota, violators } of quotas.stats) {
          for (const { user, clientId, requests: value } of violators) {
            yield { value, labels: { quota, user: user ?? "", client_id: clientId ?? "" } };
          }
        }
      },
    },
    gauge(
      "tarpan_quota_clients",
      "Clients whose use of a quota is measured now, at most 100,000 for each quota",
      () => quotas.meters,
    ),
  ];
}
