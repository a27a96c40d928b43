/**
 * Why something of Kafka's has no effect here. A start says it once for all configs of a reason,
 * and DescribeConfigs of each; whoever makes the broker act on a config takes its reason away.
 */
export const WHY = {
  cleanup: "old records are neither deleted nor compacted away yet",
  flush: "flush says when records are synced",
  segments: "the broker lays out and removes its files in its own way",
  levels: "each codec has one level here",
  threads: "one thread does everything",
  fixed: "the broker settles this itself",
  listener: "there is one listener: give the config without listener.name.",
  connections: "the number of connections is not limited yet",
  controller: "brokers find and reach each other in Tarpan's own way, without KRaft",
  replication: "a cluster's records are replicated by NATS JetStream",
  tiered: "there is no tiered storage",
  share: "there are no share groups",
  streams: "there are no streams groups",
  transactions: "there are no transactions yet",
  quotas: "there are no quotas yet",
  metrics: "metrics are at GET /metrics",
} as const;

/**
 * Why a start with something of Kafka's is refused: whoever asks for protection must not get a
 * broker that lets everybody in.
 */
export const NO_SECURITY =
  "this broker has no TLS, SASL, ACLs or policies yet and would let everybody in: leave it out, and " +
  "keep the port on a network you trust";

/** Begins what DescribeConfigs says of a config without effect; the command line looks for it. */
const IGNORED_MARK = "Stored, but has no effect yet:";

export function documentationOf(doc: string, ignored: string | null): string {
  return [doc, ignored === null ? "" : `${IGNORED_MARK} ${ignored}.`].filter(Boolean).join(" ");
}
