import { apiOf, errorOf } from "@tarpan/protocol";
import type { BrokerAdmin, NetworkStatus, TopicTraffic } from "../admin/broker-admin.ts";
import type { GroupUsage } from "../admin/groups-admin.ts";
import { LATENCY_BUCKETS_MS } from "../metrics/request-metrics.ts";

export interface Sample {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  /** Only for a histogram: the family's name with `_bucket`, `_sum` or `_count`. */
  readonly metricName?: string;
}

/** One metric with all its label values. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  collect(): Iterable<Sample>;
}

/**
 * All of Tarpan's own metrics; times in seconds and sizes in bytes, as Prometheus recommends.
 * `groups` returns the data that was collected for this scrape.
 */
export function familiesOf(broker: BrokerAdmin, groups: () => GroupUsage): Family[] {
  return [
    ...requestFamilies(broker),
    ...networkFamilies(broker),
    ...trafficFamilies(broker),
    ...partitionFamilies(broker),
    ...clusterFamilies(broker),
    ...groupFamilies(groups),
    gauge("tarpan_ready", "1 when the broker is ready", () => Number(broker.readiness().ready)),
    gauge("tarpan_uptime_seconds", "Time since the start", () => broker.cluster().uptimeMs / 1000),
  ];
}

function requestFamilies({ requests }: BrokerAdmin): Family[] {
  const latency = "tarpan_request_duration_seconds";
  return [
    {
      name: "tarpan_requests_total",
      help: "Kafka requests answered",
      type: "counter",
      *collect() {
        for (const { apiKey, requests: value } of requests.all()) {
          yield { value, labels: { api: apiName(apiKey) } };
        }
      },
    },
    {
      name: "tarpan_request_errors_total",
      help: "Kafka requests answered with an error",
      type: "counter",
      *collect() {
        for (const { apiKey, errors } of requests.all()) {
          for (const [code, value] of errors) {
            yield { value, labels: { api: apiName(apiKey), error: errorName(code) } };
          }
        }
      },
    },
    {
      name: latency,
      help: "Time from reading a Kafka request to its response",
      type: "histogram",
      *collect() {
        for (const counts of requests.all()) {
          const api = apiName(counts.apiKey);
          let value = 0;
          for (const [index, count] of counts.latencyCounts.entries()) {
            value += count;
            const boundMs = LATENCY_BUCKETS_MS[index];
            const le = boundMs === undefined ? "+Inf" : boundMs / 1000;
            yield { value, labels: { api, le }, metricName: `${latency}_bucket` };
          }
          const sum = counts.latencySumMs / 1000;
          yield { value: sum, labels: { api }, metricName: `${latency}_sum` };
          yield { value, labels: { api }, metricName: `${latency}_count` };
        }
      },
    },
  ];
}

function networkFamilies(broker: BrokerAdmin): Family[] {
  const counter = (name: string, help: string, of: (network: NetworkStatus) => number): Family => ({
    ...{ name, help, type: "counter" },
    collect: () => [{ value: of(broker.network()), labels: {} }],
  });
  return [
    gauge("tarpan_connections", "Open connections", () => broker.network().connections),
    gauge(
      "tarpan_connections_waiting",
      "Connections that max.connections or the creation rate keeps waiting",
      () => broker.network().connectionsWaiting,
    ),
    gauge("tarpan_held_bytes", "Bytes of unanswered requests", () => broker.network().heldBytes),
    gauge(
      "tarpan_unsent_bytes",
      "Bytes slow peers leave unread",
      () => broker.network().unsentBytes,
    ),
    counter(
      "tarpan_connections_accepted_total",
      "Connections accepted",
      (n) => n.connectionsAccepted,
    ),
    counter(
      "tarpan_connections_refused_total",
      "Connections over the limit",
      (n) => n.connectionsRefused,
    ),
    counter(
      "tarpan_connections_delayed_total",
      "Connections that had to wait",
      (n) => n.connectionsDelayed,
    ),
    counter(
      "tarpan_connections_expired_total",
      "Connections closed as idle",
      (n) => n.connectionsExpired,
    ),
    {
      name: "tarpan_connections_failed_total",
      help: "Connections closed for what they sent",
      type: "counter",
      *collect() {
        for (const [reason, value] of Object.entries(broker.network().connectionsFailed)) {
          yield { value, labels: { reason } };
        }
      },
    },
    counter("tarpan_received_bytes_total", "Bytes from Kafka clients", (n) => n.bytesIn),
    counter("tarpan_sent_bytes_total", "Bytes to Kafka clients", (n) => n.bytesOut),
  ];
}

function trafficFamilies(broker: BrokerAdmin): Family[] {
  const counter = (name: string, help: string, of: (row: TopicTraffic) => number): Family => ({
    ...{ name, help, type: "counter" },
    *collect() {
      for (const row of broker.traffic()) yield { value: of(row), labels: { topic: row.topic } };
    },
  });
  return [
    counter("tarpan_topic_records_in_total", "Records produced", (row) => row.recordsIn),
    counter("tarpan_topic_bytes_in_total", "Bytes of batches produced", (row) => row.bytesIn),
    counter("tarpan_topic_bytes_out_total", "Bytes of batches fetched", (row) => row.bytesOut),
  ];
}

function clusterFamilies(broker: BrokerAdmin): Family[] {
  const { members } = broker;
  if (members === null) return [];
  const isController = () => Number(broker.cluster().controllerId === broker.cluster().nodeId);
  const fenced = () => broker.cluster().brokers.filter(({ fenced }) => fenced).length;
  return [
    gauge("tarpan_controller", "1 on the broker that is the controller", isController),
    gauge("tarpan_brokers", "Brokers of the cluster", () => broker.cluster().brokers.length),
    gauge("tarpan_brokers_fenced", "Brokers whose heartbeats do not reach the controller", fenced),
    gauge(
      "tarpan_partitions_under_replicated",
      "Partitions of the cluster with a replica that is not in sync",
      () => members.underReplicated,
    ),
  ];
}

function partitionFamilies(broker: BrokerAdmin): Family[] {
  const all = () => [...broker.partitions()];
  const offline = () => all().filter((partition) => partition.offlineReason !== null);
  return [
    gauge("tarpan_partitions", "Partitions of this broker", () => all().length),
    gauge("tarpan_partitions_offline", "Partitions that can't be served", () => offline().length),
    gauge("tarpan_disk_full", "1 while the disk is full", () => Number(broker.storage().diskFull)),
    gauge(
      "tarpan_damaged_ranges",
      "Ranges of offsets found damaged or missing in logs of this broker",
      () => broker.storage().damagedRanges,
    ),
    {
      name: "tarpan_topic_log_bytes",
      help: "Bytes of batches kept",
      type: "gauge",
      collect() {
        const sizes = new Map<string, number>();
        for (const { topic, sizeBytes } of broker.partitions()) {
          sizes.set(topic, (sizes.get(topic) ?? 0) + sizeBytes);
        }
        return Array.from(sizes, ([topic, value]) => ({ value, labels: { topic } }));
      },
    },
  ];
}

function groupFamilies(usage: () => GroupUsage): Family[] {
  return [
    {
      name: "tarpan_group_members",
      help: "Members of a group",
      type: "gauge",
      *collect() {
        for (const { groupId, memberCount } of usage().groups) {
          yield { value: memberCount, labels: { group: groupId } };
        }
      },
    },
    {
      name: "tarpan_group_committed_offset",
      help: "Offset a group has committed",
      type: "gauge",
      *collect() {
        for (const { groupId, topic, partition, committedOffset } of usage().offsets) {
          yield { value: committedOffset, labels: { group: groupId, topic, partition } };
        }
      },
    },
    {
      name: "tarpan_group_lag",
      help: "Records between what a group has committed and the end of the log",
      type: "gauge",
      *collect() {
        for (const { groupId, topic, partition, lag } of usage().offsets) {
          if (lag !== null) yield { value: lag, labels: { group: groupId, topic, partition } };
        }
      },
    },
  ];
}

function gauge(name: string, help: string, value: () => number): Family {
  return { name, help, type: "gauge", collect: () => [{ value: value(), labels: {} }] };
}

function apiName(key: number): string {
  return apiOf(key)?.name ?? `${key}`;
}

function errorName(code: number): string {
  return errorOf(code).name;
}
