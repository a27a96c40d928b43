/**
 * Why a config of Kafka has no effect. The broker logs each reason once at its start, and
 * DescribeConfigs gives it for each config. When you make a config take effect, remove its reason.
 */
export const WHY = {
  flush: "the key `flush` decides when records are synced",
  segments: "the broker manages its files in its own way",
  levels: "lz4 has one level here",
  threads: "the broker uses one thread",
  fixed: "the broker decides this itself",
  listener: "it is the same for all listeners: give the config without listener.name.",
  buffers: "the operating system sizes the buffers of sockets (net.ipv4.tcp_rmem, tcp_wmem)",
  controller: "brokers find and reach each other in Tarpan's own way, without KRaft",
  replication: "a cluster's records are replicated by NATS JetStream",
  tiered: "there is no tiered storage",
  share: "there are no share groups",
  streams: "there are no streams groups",
  transactions: "every transaction is verified, and ends in one phase",
  quotas: "quotas follow Kafka's own order of users and client ids",
  metrics: "metrics are at GET /metrics",
  unknown: "no config of this name is known",
} as const;

/**
 * Why a start with a security config is refused: an operator who asks for protection must not get a
 * broker without it.
 */
export const NO_SECURITY =
  "this broker does not obey it yet, so everybody could connect: leave it out, and keep the port " +
  "on a network you trust";

/** In DescribeConfigs' documentation of a config without effect. The command line looks for it. */
const IGNORED_MARK = "Stored, but has no effect yet:";

export function documentationOf(doc: string, ignored: string | null): string {
  return [doc, ignored === null ? "" : `${IGNORED_MARK} ${ignored}.`].filter(Boolean).join(" ");
}
