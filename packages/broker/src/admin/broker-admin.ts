import type { AuditStatus } from "../audit/audit-log.ts";
import type { FetchWaits } from "../metrics/fetch-waits.ts";
import type { Histogram } from "../metrics/histogram.ts";
import type { RequestMetrics } from "../metrics/request-metrics.ts";
import type { HeldPartition } from "../partition/open-transaction-watch.ts";
import type { ClientQuotaManager } from "../quotas/client-quota-manager.ts";
import type { NetworkStats } from "../server/shared.ts";
import type {
  ClusterSummary,
  PartitionStatus,
  Readiness,
  UncleanablePartition,
} from "./cluster-status.ts";
import type { DelayedAdmin } from "./delayed-admin.ts";
import type { GroupsAdmin } from "./groups-admin.ts";
import type { HalfMessagesAdmin } from "./half-messages-admin.ts";
import type { HeldStatus } from "./held-status.ts";
import type { MembersAdmin } from "./members-admin.ts";

/**
 * The operations that an operator can call on a broker; HTTP is one adapter of them. Each call
 * reads the broker's current state; only facts about nats-servers may be a few seconds old.
 */
export interface BrokerAdmin {
  readiness(): Readiness;
  cluster(): ClusterSummary;
  /** Null for a standalone broker. */
  readonly members: MembersAdmin | null;
  /** The partitions that this broker leads, in any order. */
  partitions(): Iterable<PartitionStatus>;
  storage(): StorageStatus;
  /** The partitions that this broker leads, and that have an open transaction. */
  heldPartitions(): readonly HeldPartition[];
  /** Records and bytes of the topics since the broker started. */
  traffic(): Iterable<TopicTraffic>;
  network(): NetworkStatus;
  /** One for each listener with TLS. */
  readonly certificates: readonly CertificateStatus[];
  readonly audit: AuditStatus;
  /** One for each listener that checks tokens by keys. */
  readonly tokenKeys: readonly TokenKeysStatus[];
  readonly requests: RequestMetrics;
  readonly fetchWaits: FetchWaits;
  readonly quotas: QuotaStatus;
  /** See LogEngine. */
  readonly flushes: Histogram | null;
  readonly groups: GroupsAdmin;
  readonly delayed: DelayedAdmin;
  readonly halfMessages: HalfMessagesAdmin;
  readonly held: HeldStatus;
}

/** What quotas did since the start. */
export type QuotaStatus = Pick<ClientQuotaManager, "stats" | "meters">;

export interface StorageStatus {
  readonly diskFull: boolean;
  /** Ranges of offsets that were found damaged or missing so far. */
  readonly damagedRanges: number;
  /** Bytes of records that retention deleted since the start. */
  readonly retentionDeletedBytes: number;
  /** How far the wall clock jumped forward, as long as retention does not believe it. */
  readonly retentionClockAheadMs: number;
  readonly cleaner: CleanerStatus;
}

/** Compaction of the logs that this broker leads. The first five count since the start. */
export interface CleanerStatus {
  readonly runs: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly freedBytes: number;
  readonly busyMs: number;
  /** The part of the dirtiest log that could be compacted and is not, at the last check. */
  readonly maxDirtyRatio: number;
  /** Since the last check began; null before the first one. */
  readonly sinceCheckMs: number | null;
  readonly uncleanable: readonly UncleanablePartition[];
}

export interface TopicTraffic {
  readonly topic: string;
  readonly recordsIn: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Records left out because their message id was known. */
  readonly duplicatesDropped: number;
}

/** The keys by which a listener checks tokens. */
export interface TokenKeysStatus {
  readonly listener: string;
  /** How many there are. */
  readonly count: number;
  /** When they were fetched last, ms since the epoch; null before that. */
  readonly refreshedMs: number | null;
  /** How often they could not be fetched. */
  readonly failures: number;
  /** Why nobody can log in by a token; null if there are keys. */
  readonly outage: string | null;
}

/** The certificate that a listener shows. */
export interface CertificateStatus {
  /** Its name; `raft_addr` for the certificate between brokers. */
  readonly listener: string;
  /** Null if that is not known. */
  readonly expiresMs: number | null;
  /** Of the authorities of others' certificates, the first that expires; null without any. */
  readonly authorityExpiresMs: number | null;
  /** How often a new file could not be used. */
  readonly reloadFailures: number;
  /** Why the present file can't be used, so that the broker keeps the last good one; or null. */
  readonly problem: string | null;
}

/** `{ ...listener.stats, connections: listener.connections }`. */
export interface NetworkStatus extends NetworkStats {
  readonly connections: number;
}
