import { apiOf, errorOf } from "@tarpan/protocol";
import type { BrokerAdmin, NetworkStatus, TopicTraffic } from "../admin/broker-admin.ts";
import type { GroupUsage } from "../admin/groups-admin.ts";
import { auditFamilies } from "./audit-families.ts";
import { certificateFamilies } from "./certificate-families.ts";
import { cleanupFamilies } from "./cleanup-families.ts";
import { counter, type Family, gauge, histogramSamples, type Scrape } from "./family.ts";
import { heldFamilies } from "./held-families.ts";
import { logFamilies } from "./log-families.ts";
import { processFamilies } from "./process-families.ts";
import { quotaFamilies } from "./quota-families.ts";
import { tokenKeyFamilies } from "./token-key-families.ts";
import { transactionFamilies } from "./transaction-families.ts";

/**
 * All of Tarpan's own metrics; times in seconds and sizes in bytes, as Prometheus recommends.
 * `scrape` returns what was collected for this one.
 */
export function familiesOf(broker: BrokerAdmin, scrape: () => Scrape): Family[] {
  return [
    ...requestFamilies(broker),
    ...fetchFamilies(broker),
    ...networkFamilies(broker),
    ...quotaFamilies(broker),
    ...auditFamilies(broker),
    ...certificateFamilies(broker),
    ...tokenKeyFamilies(broker),
    ...trafficFamilies(broker),
    ...partitionFamilies(broker, scrape),
    ...cleanupFamilies(broker),
    ...logFamilies(broker, scrape),
    ...transactionFamilies(broker),
    ...heldFamilies(broker),
    ...metadataFamilies(broker),
    ...clusterFamilies(broker),
    ...groupFamilies(() => scrape().groups),
    ...processFamilies(),
    gauge("tarpan_ready", "1 when /ready answers 200", () => Number(broker.readiness().ready)),
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
      help: "Kafka requests answered with an error, by the first error of the answer",
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
      help: "Time from reading a Kafka request to its response, waits included",
      type: "histogram",
      *collect() {
        for (const { apiKey, latency: histogram } of requests.all()) {
          yield* histogramSamples(latency, histogram, { api: apiName(apiKey) });
        }
      },
    },
    {
      name: "tarpan_request_local_seconds_total",
      help: "Time the event loop worked for Kafka requests before their first wait (from samples)",
      type: "counter",
      *collect() {
        for (const { apiKey, localMs } of requests.all()) {
          yield { value: localMs / 1000, labels: { api: apiName(apiKey) } };
        }
      },
    },
    {
      name: "tarpan_requests_in_progress",
      help: "Kafka requests that are not answered yet: they wait for a disk, for others or for records",
      type: "gauge",
      *collect() {
        for (const { apiKey, begun, requests: answered } of requests.all()) {
          yield { value: begun - answered, labels: { api: apiName(apiKey) } };
        }
      },
    },
  ];
}

function fetchFamilies({ fetchWaits }: BrokerAdmin): Family[] {
  return [
    gauge(
      "tarpan_fetches_waiting",
      "Fetches that wait for fetch.min.bytes or fetch.max.wait.ms",
      () => fetchWaits.waiting,
    ),
    counter("tarpan_fetch_waits_total", "Waits of fetches for records", () => fetchWaits.waits),
    counter(
      "tarpan_fetch_wait_seconds_total",
      "Time that fetches waited for records, once their wait is over",
      () => fetchWaits.waitedMs / 1000,
    ),
  ];
}

function networkFamilies(broker: BrokerAdmin): Family[] {
  const counterOf = (name: string, help: string, of: (network: NetworkStatus) => number) =>
    counter(name, help, () => of(broker.network()));
  type ByReason = Readonly<Record<string, number>>;
  const byReason = (name: string, help: string, of: (n: NetworkStatus) => ByReason): Family => ({
    ...{ name, help, type: "counter" },
    *collect() {
      for (const [reason, value] of Object.entries(of(broker.network()))) {
        yield { value, labels: { reason } };
      }
    },
  });
  return [
    gauge(
      "tarpan_connections",
      "Open connections, HTTP included",
      () => broker.network().connections,
    ),
    gauge(
      "tarpan_connections_waiting",
      "Connections that max.connections or max.connection.creation.rate keeps waiting",
      () => broker.network().connectionsWaiting,
    ),
    gauge(
      "tarpan_held_bytes",
      "Bytes of requests not answered yet",
      () => broker.network().heldBytes,
    ),
    gauge(
      "tarpan_unsent_bytes",
      "Bytes of responses that slow clients have not read yet",
      () => broker.network().unsentBytes,
    ),
    counterOf(
      "tarpan_connections_accepted_total",
      "Connections accepted",
      (n) => n.connectionsAccepted,
    ),
    byReason(
      "tarpan_connections_refused_total",
      "Connections closed at once because too many were open or came, or too many files were open",
      (n) => n.connectionsRefused,
    ),
    counterOf(
      "tarpan_connections_delayed_total",
      "Connections that had to wait before they were served",
      (n) => n.connectionsDelayed,
    ),
    counterOf(
      "tarpan_connections_expired_total",
      "Connections closed as idle",
      (n) => n.connectionsExpired,
    ),
    byReason(
      "tarpan_connections_failed_total",
      "Connections closed because of bad input; the log has a warning for each reason",
      (n) => n.connectionsFailed,
    ),
    counterOf("tarpan_received_bytes_total", "Bytes from Kafka clients", (n) => n.bytesIn),
    counterOf("tarpan_sent_bytes_total", "Bytes to Kafka clients", (n) => n.bytesOut),
  ];
}

function trafficFamilies(broker: BrokerAdmin): Family[] {
  const perTopic = (name: string, help: string, of: (row: TopicTraffic) => number): Family => ({
    ...{ name, help, type: "counter" },
    *collect() {
      for (const row of broker.traffic()) yield { value: of(row), labels: { topic: row.topic } };
    },
  });
  return [
    perTopic("tarpan_topic_records_in_total", "Records produced", (row) => row.recordsIn),
    perTopic(
      "tarpan_topic_bytes_in_total",
      "Bytes of record batches produced",
      (row) => row.bytesIn,
    ),
    perTopic(
      "tarpan_topic_bytes_out_total",
      "Bytes of record batches fetched",
      (row) => row.bytesOut,
    ),
    perTopic(
      "tarpan_topic_duplicates_dropped_total",
      "Records left out because their message id was known",
      (row) => row.duplicatesDropped,
    ),
  ];
}

function metadataFamilies(broker: BrokerAdmin): Family[] {
  const ofAll = () => broker.cluster().metadataLevelSupported;
  return [
    gauge(
      "tarpan_metadata_level",
      "Level of the metadata that was written: brokers that read less can't start",
      () => broker.cluster().metadataLevel,
    ),
    gauge("tarpan_metadata_level_supported", "Level up to which all brokers read metadata", ofAll),
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
    {
      name: "tarpan_cluster_connections_refused_total",
      help: "Connections with other nats-servers refused, by this one or by them; the log says why",
      type: "counter",
      *collect() {
        const security = broker.cluster().engine.security ?? null;
        if (security === null) return;
        yield { value: security.refusedByThis, labels: { by: "this" } };
        yield { value: security.refusedByOthers, labels: { by: "others" } };
      },
    },
  ];
}

function partitionFamilies(broker: BrokerAdmin, scrape: () => Scrape): Family[] {
  const all = () => scrape().partitions;
  const offline = () => all().filter((partition) => partition.offlineReason !== null);
  return [
    gauge("tarpan_partitions", "Partitions that this broker leads", () => all().length),
    gauge(
      "tarpan_partitions_offline",
      "Partitions that this broker leads and can't serve; /ready says why",
      () => offline().length,
    ),
    gauge(
      "tarpan_disk_full",
      "1 while the disk is full: records are refused, reading goes on",
      () => Number(broker.storage().diskFull),
    ),
    gauge(
      "tarpan_damaged_ranges",
      "Ranges of offsets that readers found damaged or missing in logs of this broker",
      () => broker.storage().damagedRanges,
    ),
    {
      name: "tarpan_topic_log_bytes",
      help: "Bytes of record batches kept in the logs that this broker leads",
      type: "gauge",
      collect() {
        const sizes = new Map<string, number>();
        for (const { topic, sizeBytes } of all()) {
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
      help: "Offset that a group has committed",
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

function apiName(key: number): string {
  return apiOf(key)?.name ?? `${key}`;
}

function errorName(code: number): string {
  return errorOf(code).name;
}
