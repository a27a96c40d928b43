import type { BrokerAdmin, CertificateStatus } from "../admin/broker-admin.ts";
import type { Family } from "./family.ts";

export function certificateFamilies(broker: BrokerAdmin): Family[] {
  const ofEach = (
    name: string,
    type: "counter" | "gauge",
    help: string,
    of: (certificate: CertificateStatus) => number | null,
  ): Family => ({
    ...{ name, help, type },
    *collect() {
      for (const certificate of broker.certificates) {
        const value = of(certificate);
        if (value !== null) yield { value, labels: { listener: certificate.listener } };
      }
    },
  });
  return [
    ofEach(
      "tarpan_certificate_expiry_timestamp_seconds",
      "gauge",
      "When a listener's certificate expires, in seconds since 1970",
      ({ expiresMs }) => (expiresMs === null ? null : expiresMs / 1000),
    ),
    ofEach(
      "tarpan_certificate_authority_expiry_timestamp_seconds",
      "gauge",
      "When the first authority that a listener trusts expires, in seconds since 1970",
      ({ authorityExpiresMs: ms }) => (ms === null ? null : ms / 1000),
    ),
    ofEach(
      "tarpan_certificate_reload_failures_total",
      "counter",
      "Times that new keys or certificates of a listener could not be used; the log says why",
      ({ reloadFailures }) => reloadFailures,
    ),
  ];
}
