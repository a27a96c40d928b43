import type { BrokerAdmin } from "../admin/broker-admin.ts";
import type { Family } from "./family.ts";

export function tokenKeyFamilies(broker: BrokerAdmin): Family[] {
  return [
    {
      name: "tarpan_jwks_keys",
      type: "gauge",
      help: "Keys of tokens that a listener has; with 0 nobody can log in by a token",
      *collect() {
        for (const { listener, count } of broker.tokenKeys) {
          yield { value: count, labels: { listener } };
        }
      },
    },
    {
      name: "tarpan_jwks_refresh_timestamp_seconds",
      type: "gauge",
      help: "When a listener fetched the keys of tokens last, in seconds since 1970",
      *collect() {
        for (const { listener, refreshedMs } of broker.tokenKeys) {
          if (refreshedMs !== null) yield { value: refreshedMs / 1000, labels: { listener } };
        }
      },
    },
    {
      name: "tarpan_jwks_refresh_failures_total",
      type: "counter",
      help: "Times that a listener could not fetch the keys of tokens; the log says why",
      *collect() {
        for (const { listener, failures } of broker.tokenKeys) {
          yield { value: failures, labels: { listener } };
        }
      },
    },
  ];
}
