import { superUsers } from "./authorizer-configs.ts";
import { ipOverrides } from "./ip-overrides.ts";

/** Reads configs, which are validated texts, as typed values. */
export interface ConfigReader {
  number(name: string): number;
  flag(name: string): boolean;
  text(name: string): string;
  list(name: string): string[];
}

/**
 * A topic's configs as the code uses them: times in ms, sizes in bytes. Kafka's largest long, for
 * no limit, is Number.MAX_SAFE_INTEGER.
 */
export interface TopicConfig {
  readonly compact: boolean;
  readonly deleteOld: boolean;
  readonly deleteRetentionMs: number;
  /** One of Kafka's names; `producer` keeps the codec of each batch. */
  readonly compressionType: string;
  readonly fileDeleteDelayMs: number;
  readonly compressionGzipLevel: number;
  readonly compressionZstdLevel: number;
  /** What the broker does with batches that are not compressed; null: nothing. */
  readonly plainCompression: PlainCompression | null;
  readonly indexIntervalBytes: number;
  readonly maxCompactionLagMs: number;
  readonly maxMessageBytes: number;
  readonly messageTimestampAfterMaxMs: number;
  readonly messageTimestampBeforeMaxMs: number;
  readonly messageTimestampType: "CreateTime" | "LogAppendTime";
  readonly minCleanableDirtyRatio: number;
  readonly minCompactionLagMs: number;
  readonly minInsyncReplicas: number;
  /** Negative for no limit. */
  readonly retentionBytes: number;
  /** Negative for no limit. */
  readonly retentionMs: number;
  readonly segmentBytes: number;
  readonly segmentJitterMs: number;
  readonly segmentMs: number;
  /** Deduplication by message id; null when it is off. */
  readonly dedupe: { readonly ttlMs: number; readonly maxIds: number } | null;
}

/** Batches above a size that are not compressed get a codec. */
export interface PlainCompression {
  readonly type: string;
  readonly thresholdBytes: number;
}

/** The broker configs that the code reads. */
/** How a rate is measured: over so many samples, each as long as this. */
export interface QuotaWindow {
  /** Complete samples and the one that goes on. */
  readonly samples: number;
  readonly sampleMs: number;
}

export interface BrokerConfig {
  readonly addPartitionsToTxnRetryBackoffMaxMs: number;
  readonly allowEveryoneIfNoAclFound: boolean;
  readonly authorizerClassName: string;
  readonly autoCreateTopicsEnable: boolean;
  readonly autoLeaderRebalanceEnable: boolean;
  readonly connectionsMaxIdleMs: number;
  readonly controllerQuotaWindow: QuotaWindow;
  readonly defaultReplicationFactor: number;
  readonly deleteTopicEnable: boolean;
  readonly fetchMaxBytes: number;
  readonly maxIncrementalFetchSessionCacheSlots: number;
  readonly maxRequestPartitionSizeLimit: number;
  readonly groupInitialRebalanceDelayMs: number;
  readonly groupMaxSessionTimeoutMs: number;
  readonly groupMaxSize: number;
  readonly groupMinSessionTimeoutMs: number;
  readonly groupConsumerAssignors: readonly string[];
  readonly groupConsumerHeartbeatIntervalMs: number;
  readonly groupConsumerMaxSize: number;
  readonly groupConsumerMaxSessionTimeoutMs: number;
  readonly groupConsumerMinSessionTimeoutMs: number;
  readonly groupConsumerMaxHeartbeatIntervalMs: number;
  readonly groupConsumerMinHeartbeatIntervalMs: number;
  readonly groupConsumerMigrationPolicy: string;
  readonly groupConsumerSessionTimeoutMs: number;
  readonly halfMessageCheckIntervalMs: number;
  readonly halfMessageCheckMax: number;
  readonly halfMessageTimeoutMs: number;
  readonly leaderImbalanceCheckIntervalSeconds: number;
  readonly leaderImbalancePerBrokerPercentage: number;
  readonly logCleanerBackoffMs: number;
  readonly logCleanerDedupeBufferSize: number;
  readonly logCleanerEnable: boolean;
  readonly logCleanerIoBufferLoadFactor: number;
  readonly logCleanerIoMaxBytesPerSecond: number;
  readonly logInitialTaskDelayMs: number;
  readonly logRetentionCheckIntervalMs: number;
  readonly maxConnectionCreationRate: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerIp: number;
  readonly maxConnectionsPerIpOverrides: ReadonlyMap<string, number>;
  readonly numPartitions: number;
  readonly offsetMetadataMaxBytes: number;
  readonly offsetsRetentionCheckIntervalMs: number;
  readonly offsetsRetentionMs: number;
  readonly offsetsTopicNumPartitions: number;
  readonly offsetsTopicReplicationFactor: number;
  readonly offsetsTopicSegmentBytes: number;
  readonly producerIdExpirationMs: number;
  readonly queuedMaxRequestBytes: number;
  readonly quotaWindow: QuotaWindow;
  readonly socketListenBacklogSize: number;
  readonly socketRequestMaxBytes: number;
  readonly superUsers: readonly string[];
  readonly tarpanCompressionType: string;
  readonly tarpanCompressionThresholdBytes: number;
  readonly transactionMaxTimeoutMs: number;
  readonly transactionalIdExpirationMs: number;
  /** `transaction.remove.expired.transaction.cleanup.interval.ms`. */
  readonly transactionalIdExpiryCheckIntervalMs: number;
  readonly transactionStateLogNumPartitions: number;
  readonly transactionStateLogReplicationFactor: number;
  readonly transactionStateLogSegmentBytes: number;
}

export function topicConfigOf(
  config: ConfigReader,
  plainCompression: PlainCompression | null,
): TopicConfig {
  const policies = config.list("cleanup.policy");
  const type = config.text("message.timestamp.type");
  const compact = policies.includes("compact");
  const maxCompactionLagMs = config.number("max.compaction.lag.ms");
  const segmentMs = config.number("segment.ms");
  return {
    compact,
    deleteOld: policies.includes("delete"),
    compressionType: config.text("compression.type"),
    deleteRetentionMs: config.number("delete.retention.ms"),
    fileDeleteDelayMs: config.number("file.delete.delay.ms"),
    compressionGzipLevel: config.number("compression.gzip.level"),
    compressionZstdLevel: config.number("compression.zstd.level"),
    plainCompression,
    indexIntervalBytes: config.number("index.interval.bytes"),
    maxCompactionLagMs,
    maxMessageBytes: config.number("max.message.bytes"),
    messageTimestampAfterMaxMs: config.number("message.timestamp.after.max.ms"),
    messageTimestampBeforeMaxMs: config.number("message.timestamp.before.max.ms"),
    messageTimestampType: type === "LogAppendTime" ? type : "CreateTime",
    minCleanableDirtyRatio: config.number("min.cleanable.dirty.ratio"),
    minCompactionLagMs: config.number("min.compaction.lag.ms"),
    minInsyncReplicas: config.number("min.insync.replicas"),
    retentionBytes: config.number("retention.bytes"),
    retentionMs: config.number("retention.ms"),
    segmentBytes: config.number("segment.bytes"),
    segmentJitterMs: config.number("segment.jitter.ms"),
    // As in Kafka: a record can be compacted only when its segment is closed.
    segmentMs: compact ? Math.min(segmentMs, maxCompactionLagMs) : segmentMs,
    dedupe: config.flag("tarpan.dedupe.enable")
      ? {
          ttlMs: config.number("tarpan.dedupe.ttl.ms"),
          maxIds: config.number("tarpan.dedupe.max.ids"),
        }
      : null,
  };
}

function quotaWindows(config: ConfigReader) {
  const quotaWindow: QuotaWindow = {
    samples: config.number("quota.window.num"),
    sampleMs: config.number("quota.window.size.seconds") * 1_000,
  };
  const controllerQuotaWindow: QuotaWindow = {
    samples: config.number("controller.quota.window.num"),
    sampleMs: config.number("controller.quota.window.size.seconds") * 1_000,
  };
  return { quotaWindow, controllerQuotaWindow };
}

function transactionConfigs(config: ConfigReader) {
  return {
    transactionMaxTimeoutMs: config.number("transaction.max.timeout.ms"),
    transactionalIdExpirationMs: config.number("transactional.id.expiration.ms"),
    transactionalIdExpiryCheckIntervalMs: config.number(
      "transaction.remove.expired.transaction.cleanup.interval.ms",
    ),
    transactionStateLogNumPartitions: config.number("transaction.state.log.num.partitions"),
    transactionStateLogReplicationFactor: config.number("transaction.state.log.replication.factor"),
    transactionStateLogSegmentBytes: config.number("transaction.state.log.segment.bytes"),
  };
}

export function brokerConfigOf(config: ConfigReader): BrokerConfig {
  return {
    ...quotaWindows(config),
    ...transactionConfigs(config),
    addPartitionsToTxnRetryBackoffMaxMs: config.number(
      "add.partitions.to.txn.retry.backoff.max.ms",
    ),
    allowEveryoneIfNoAclFound: config.flag("allow.everyone.if.no.acl.found"),
    authorizerClassName: config.text("authorizer.class.name"),
    autoCreateTopicsEnable: config.flag("auto.create.topics.enable"),
    autoLeaderRebalanceEnable: config.flag("auto.leader.rebalance.enable"),
    connectionsMaxIdleMs: config.number("connections.max.idle.ms"),
    defaultReplicationFactor: config.number("default.replication.factor"),
    deleteTopicEnable: config.flag("delete.topic.enable"),
    fetchMaxBytes: config.number("fetch.max.bytes"),
    maxIncrementalFetchSessionCacheSlots: config.number(
      "max.incremental.fetch.session.cache.slots",
    ),
    maxRequestPartitionSizeLimit: config.number("max.request.partition.size.limit"),
    groupInitialRebalanceDelayMs: config.number("group.initial.rebalance.delay.ms"),
    groupMaxSessionTimeoutMs: config.number("group.max.session.timeout.ms"),
    groupMaxSize: config.number("group.max.size"),
    groupMinSessionTimeoutMs: config.number("group.min.session.timeout.ms"),
    groupConsumerAssignors: config.list("group.consumer.assignors"),
    groupConsumerHeartbeatIntervalMs: config.number("group.consumer.heartbeat.interval.ms"),
    groupConsumerMaxSize: config.number("group.consumer.max.size"),
    groupConsumerMaxSessionTimeoutMs: config.number("group.consumer.max.session.timeout.ms"),
    groupConsumerMinSessionTimeoutMs: config.number("group.consumer.min.session.timeout.ms"),
    groupConsumerMaxHeartbeatIntervalMs: config.number("group.consumer.max.heartbeat.interval.ms"),
    groupConsumerMinHeartbeatIntervalMs: config.number("group.consumer.min.heartbeat.interval.ms"),
    groupConsumerMigrationPolicy: config.text("group.consumer.migration.policy").toLowerCase(),
    groupConsumerSessionTimeoutMs: config.number("group.consumer.session.timeout.ms"),
    halfMessageCheckIntervalMs: config.number("tarpan.half.message.check.interval.ms"),
    halfMessageCheckMax: config.number("tarpan.half.message.check.max"),
    halfMessageTimeoutMs: config.number("tarpan.half.message.timeout.ms"),
    leaderImbalanceCheckIntervalSeconds: config.number("leader.imbalance.check.interval.seconds"),
    leaderImbalancePerBrokerPercentage: config.number("leader.imbalance.per.broker.percentage"),
    logCleanerBackoffMs: config.number("log.cleaner.backoff.ms"),
    logCleanerDedupeBufferSize: config.number("log.cleaner.dedupe.buffer.size"),
    logCleanerEnable: config.flag("log.cleaner.enable"),
    logCleanerIoBufferLoadFactor: config.number("log.cleaner.io.buffer.load.factor"),
    logCleanerIoMaxBytesPerSecond: config.number("log.cleaner.io.max.bytes.per.second"),
    logInitialTaskDelayMs: config.number("log.initial.task.delay.ms"),
    logRetentionCheckIntervalMs: config.number("log.retention.check.interval.ms"),
    maxConnectionCreationRate: config.number("max.connection.creation.rate"),
    maxConnections: config.number("max.connections"),
    maxConnectionsPerIp: config.number("max.connections.per.ip"),
    maxConnectionsPerIpOverrides: ipOverrides(config.text("max.connections.per.ip.overrides")),
    numPartitions: config.number("num.partitions"),
    offsetMetadataMaxBytes: config.number("offset.metadata.max.bytes"),
    offsetsRetentionCheckIntervalMs: config.number("offsets.retention.check.interval.ms"),
    offsetsRetentionMs: config.number("offsets.retention.minutes") * 60_000,
    offsetsTopicNumPartitions: config.number("offsets.topic.num.partitions"),
    offsetsTopicReplicationFactor: config.number("offsets.topic.replication.factor"),
    offsetsTopicSegmentBytes: config.number("offsets.topic.segment.bytes"),
    producerIdExpirationMs: config.number("producer.id.expiration.ms"),
    queuedMaxRequestBytes: config.number("queued.max.request.bytes"),
    socketListenBacklogSize: config.number("socket.listen.backlog.size"),
    socketRequestMaxBytes: config.number("socket.request.max.bytes"),
    superUsers: superUsers(config.text("super.users")),
    tarpanCompressionType: config.text("tarpan.compression.type"),
    tarpanCompressionThresholdBytes: config.number("tarpan.compression.threshold.bytes"),
  };
}
