import type { AuditStatus } from "../audit/audit-log.ts";
import type { ClusterAccess } from "../cluster/cluster-access.ts";
import type { FlushPolicy } from "../config/settings.ts";
import type { LogEngine } from "../log/log-engine.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { sharedLevel, toldLevel, writtenLevel } from "../metadata/metadata-level.ts";
import type { FetchWaits } from "../metrics/fetch-waits.ts";
import type { Histogram } from "../metrics/histogram.ts";
import type { RequestMetrics } from "../metrics/request-metrics.ts";
import type { HeldPartition } from "../partition/open-transaction-watch.ts";
import type { Partitions } from "../partition/partitions.ts";
import { VERSION } from "../version.ts";
import type {
  BrokerAdmin,
  CertificateStatus,
  NetworkStatus,
  QuotaStatus,
  StorageStatus,
  TokenKeysStatus,
  TopicTraffic,
} from "./broker-admin.ts";
import type { ClusterSummary, PartitionStatus, Readiness } from "./cluster-status.ts";
import type { DelayedAdmin } from "./delayed-admin.ts";
import type { GroupsAdmin } from "./groups-admin.ts";
import type { HalfMessagesAdmin } from "./half-messages-admin.ts";
import type { HeldStatus } from "./held-status.ts";
import { membersAdmin } from "./members.ts";
import type { MembersAdmin } from "./members-admin.ts";

const ISOLATED =
  "isolated: heartbeats come from fewer than half of the brokers that hold the metadata, or the " +
  "decisions made meanwhile are not read yet; serving nothing until both have arrived";

/** Kafka's clients get the same value. */
const NO_CONTROLLER = -1;

export interface StatusParts {
  /** Null for a standalone broker. */
  readonly cluster: ClusterAccess | null;
  readonly engine: LogEngine;
  readonly flush: FlushPolicy;
  readonly metadata: Metadata;
  readonly partitions: Partitions;
  readonly requests: RequestMetrics;
  readonly fetchWaits: FetchWaits;
  readonly quotas: QuotaStatus;
  readonly groups: GroupsAdmin;
  readonly delayed: DelayedAdmin;
  readonly halfMessages: HalfMessagesAdmin;
  readonly held: HeldStatus;
  /** Why groups can't be served, though their partitions are online. */
  readonly groupsProblem: () => string | null;
  readonly network: () => NetworkStatus;
  /** One for each listener with TLS. */
  readonly certificates: () => readonly CertificateStatus[];
  readonly audit: () => AuditStatus;
  /** One for each listener that checks tokens by keys. */
  readonly tokenKeys: () => readonly TokenKeysStatus[];
  readonly uptimeMs: () => number;
  readonly isServing: () => boolean;
}

/** Why the cluster's metadata does not direct clients to this broker; empty if it does. */
function notPartOf({ image, nodeId, incarnationId }: Metadata): string[] {
  const own = image.brokers.get(nodeId);
  if (own?.incarnationId !== incarnationId) return ["not registered in the cluster's metadata yet"];
  return own.fenced ? ["fenced: the controller gets no heartbeats; other brokers lead now"] : [];
}

/** The status of this broker. */
export class BrokerStatus implements BrokerAdmin {
  readonly #parts: StatusParts;

  constructor(parts: StatusParts) {
    this.#parts = parts;
  }

  get requests(): RequestMetrics {
    return this.#parts.requests;
  }

  get fetchWaits(): FetchWaits {
    return this.#parts.fetchWaits;
  }

  get quotas(): QuotaStatus {
    return this.#parts.quotas;
  }

  get flushes(): Histogram | null {
    return this.#parts.engine.flushes;
  }

  get groups(): GroupsAdmin {
    return this.#parts.groups;
  }

  get delayed(): DelayedAdmin {
    return this.#parts.delayed;
  }

  get certificates(): readonly CertificateStatus[] {
    return [...this.#parts.certificates(), ...certificateOf(this.#parts.cluster)];
  }

  get tokenKeys(): readonly TokenKeysStatus[] {
    return this.#parts.tokenKeys();
  }

  get audit(): AuditStatus {
    return this.#parts.audit();
  }

  get halfMessages(): HalfMessagesAdmin {
    return this.#parts.halfMessages;
  }

  get held(): HeldStatus {
    return this.#parts.held;
  }

  readiness(): Readiness {
    const { engine, metadata, partitions, isServing, cluster, groupsProblem } = this.#parts;
    const reasons: string[] = [];
    if (engine.problem !== null) reasons.push(engine.problem);
    if (cluster !== null && cluster.problem !== null) reasons.push(`engine: ${cluster.problem}`);
    if (metadata.leadership.isExpired) reasons.push(ISOLATED);
    if (metadata.controllerId === NO_CONTROLLER)
      reasons.push("no controller: topics and configs can't be changed until one is elected");
    else if (cluster !== null && isServing()) reasons.push(...notPartOf(metadata));
    if (!isServing()) reasons.push("the broker is starting or stopping");
    if (metadata.failure !== null) reasons.push(`metadata: ${metadata.failure.message}`);
    for (const { hosted, failure } of partitions.all()) {
      if (failure === null) continue;
      reasons.push(`${hosted.id.topic}-${hosted.id.partition}: ${failure.message}`);
    }
    for (const { problem } of this.certificates) if (problem !== null) reasons.push(problem);
    const { problem: auditProblem } = this.audit;
    if (auditProblem !== null) reasons.push(`the audit log can't be written: ${auditProblem}`);
    for (const { outage } of this.tokenKeys) if (outage !== null) reasons.push(outage);
    const groups = groupsProblem();
    if (groups !== null) reasons.push(groups);
    return { ready: reasons.length === 0, reasons };
  }

  get members(): MembersAdmin | null {
    const { cluster, metadata } = this.#parts;
    return cluster === null ? null : membersAdmin(cluster, metadata);
  }

  cluster(): ClusterSummary {
    const { engine, flush, metadata, uptimeMs, cluster } = this.#parts;
    const { image } = metadata;
    const brokers = [...image.brokers.values()].sort((a, b) => a.id - b.id);
    return {
      clusterId: metadata.clusterId,
      nodeId: metadata.nodeId,
      controllerId: metadata.controllerId,
      brokers: brokers.map((broker) => {
        const { id, host, port, rack, fenced } = broker;
        return { nodeId: id, host, port, rack, fenced, metadataLevel: toldLevel(broker) };
      }),
      metadataLevel: writtenLevel(image),
      metadataLevelSupported: sharedLevel(image),
      engine: { kind: engine.kind, ...cluster?.facts },
      flush: flush.mode === "interval" ? `interval ${flush.intervalMs} ms` : flush.mode,
      version: VERSION,
      uptimeMs: Math.round(uptimeMs()),
    };
  }

  *partitions(): Generator<PartitionStatus> {
    for (const { hosted, partition, failure } of this.#parts.partitions.all()) {
      yield {
        topic: hosted.id.topic,
        partition: hosted.id.partition,
        leader: this.#parts.metadata.nodeId,
        leaderEpoch: hosted.leaderEpoch,
        startOffset: partition?.log.startOffset ?? -1,
        endOffset: partition?.highWatermark ?? -1,
        lastStableOffset: partition?.lastStableOffset ?? -1,
        sizeBytes: partition?.log.sizeBytes ?? 0,
        offlineReason: failure?.message ?? null,
      };
    }
  }

  storage(): StorageStatus {
    let damagedRanges = 0;
    for (const { partition } of this.#parts.partitions.all()) {
      damagedRanges += partition?.log.damagedRanges ?? 0;
    }
    const { retention, cleaner } = this.#parts.partitions;
    const { deletedBytes, clockAheadMs } = retention.counts;
    return {
      diskFull: this.#parts.engine.problem !== null,
      damagedRanges,
      retentionDeletedBytes: deletedBytes,
      retentionClockAheadMs: clockAheadMs,
      cleaner: statusOf(cleaner),
    };
  }

  heldPartitions(): readonly HeldPartition[] {
    return [...this.#parts.partitions.openTransactions.held()];
  }

  traffic(): Iterable<TopicTraffic> {
    const byTopic = new Map<string, TopicTraffic>();
    for (const { hosted, partition } of this.#parts.partitions.all()) {
      const { topic } = hosted.id;
      const sum = byTopic.get(topic) ?? { topic, ...NO_TRAFFIC };
      const own = partition?.traffic ?? NO_TRAFFIC;
      byTopic.set(topic, {
        topic,
        recordsIn: sum.recordsIn + own.recordsIn,
        bytesIn: sum.bytesIn + own.bytesIn,
        bytesOut: sum.bytesOut + own.bytesOut,
        duplicatesDropped: sum.duplicatesDropped + own.duplicatesDropped,
      });
    }
    return byTopic.values();
  }

  network(): NetworkStatus {
    return this.#parts.network();
  }
}

/** The certificate that the broker shows other brokers, by the setting of its address. */
function certificateOf(cluster: ClusterAccess | null): CertificateStatus[] {
  const security = cluster?.facts.security ?? null;
  if (security?.certificateExpiresMs == null) return [];
  const { certificateExpiresMs: expiresMs, authorityExpiresMs, reloadFailures } = security;
  // The engine's own problem says it already.
  return [{ listener: "raft_addr", expiresMs, authorityExpiresMs, reloadFailures, problem: null }];
}

function statusOf(cleaner: Partitions["cleaner"]): StorageStatus["cleaner"] {
  const { total, maxDirtyRatio, sinceCheckMs } = cleaner;
  const uncleanable = Array.from(cleaner.uncleanable(), ({ hosted: { id }, reason }) => {
    return { topic: id.topic, partition: id.partition, reason };
  });
  return { ...total, maxDirtyRatio, sinceCheckMs, uncleanable };
}

const NO_TRAFFIC = { recordsIn: 0, bytesIn: 0, bytesOut: 0, duplicatesDropped: 0 };
