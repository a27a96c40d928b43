import type { ConfigReader } from "./resolve.ts";

/** A topic's configs as code uses them: times in ms, sizes in bytes, -1 where Kafka says no limit. */
export interface TopicConfig {
  readonly compact: boolean;
  readonly deleteOld: boolean;
  readonly compressionType: string;
  readonly deleteRetentionMs: number;
  readonly fileDeleteDelayMs: number;
  readonly flushMessages: number;
  readonly flushMs: number;
  readonly indexIntervalBytes: number;
  readonly maxCompactionLagMs: number;
  readonly maxMessageBytes: number;
  readonly messageTimestampAfterMaxMs: number;
  readonly messageTimestampBeforeMaxMs: number;
  readonly messageTimestampType: "CreateTime" | "LogAppendTime";
  readonly minCleanableDirtyRatio: number;
  readonly minCompactionLagMs: number;
  readonly minInsyncReplicas: number;
  readonly retentionBytes: number;
  readonly retentionMs: number;
  readonly segmentBytes: number;
  readonly segmentIndexBytes: number;
  readonly segmentJitterMs: number;
  readonly segmentMs: number;
}

/** The broker configs that something in the broker acts on. */
export interface BrokerConfig {
  readonly autoCreateTopicsEnable: boolean;
  readonly autoLeaderRebalanceEnable: boolean;
  readonly connectionsMaxIdleMs: number;
  readonly defaultReplicationFactor: number;
  readonly deleteTopicEnable: boolean;
  readonly fetchMaxBytes: number;
  readonly maxIncrementalFetchSessionCacheSlots: number;
  readonly maxRequestPartitionSizeLimit: number;
  readonly messageMaxBytes: number;
  readonly groupInitialRebalanceDelayMs: number;
  readonly groupMaxSessionTimeoutMs: number;
  readonly groupMaxSize: number;
  readonly groupMinSessionTimeoutMs: number;
  readonly groupConsumerAssignors: readonly string[];
  readonly groupConsumerHeartbeatIntervalMs: number;
  readonly groupConsumerMaxSize: number;
  readonly groupConsumerMigrationPolicy: string;
  readonly groupConsumerSessionTimeoutMs: number;
  readonly leaderImbalanceCheckIntervalSeconds: number;
  readonly leaderImbalancePerBrokerPercentage: number;
  readonly numPartitions: number;
  readonly offsetMetadataMaxBytes: number;
  readonly offsetsRetentionCheckIntervalMs: number;
  readonly offsetsRetentionMs: number;
  readonly offsetsTopicNumPartitions: number;
  readonly offsetsTopicReplicationFactor: number;
  readonly offsetsTopicSegmentBytes: number;
  readonly producerIdExpirationMs: number;
}

export function topicConfigOf(config: ConfigReader): TopicConfig {
  const policies = config.list("cleanup.policy");
  const type = config.text("message.timestamp.type");
  return {
    compact: policies.includes("compact"),
    deleteOld: policies.includes("delete"),
    compressionType: config.text("compression.type"),
    deleteRetentionMs: config.number("delete.retention.ms"),
    fileDeleteDelayMs: config.number("file.delete.delay.ms"),
    flushMessages: config.number("flush.messages"),
    flushMs: config.number("flush.ms"),
    indexIntervalBytes: config.number("index.interval.bytes"),
    maxCompactionLagMs: config.number("max.compaction.lag.ms"),
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
    segmentIndexBytes: config.number("segment.index.bytes"),
    segmentJitterMs: config.number("segment.jitter.ms"),
    segmentMs: config.number("segment.ms"),
  };
}

export function brokerConfigOf(config: ConfigReader): BrokerConfig {
  return {
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
    messageMaxBytes: config.number("message.max.bytes"),
    groupInitialRebalanceDelayMs: config.number("group.initial.rebalance.delay.ms"),
    groupMaxSessionTimeoutMs: config.number("group.max.session.timeout.ms"),
    groupMaxSize: config.number("group.max.size"),
    groupMinSessionTimeoutMs: config.number("group.min.session.timeout.ms"),
    groupConsumerAssignors: config.list("group.consumer.assignors"),
    groupConsumerHeartbeatIntervalMs: config.number("group.consumer.heartbeat.interval.ms"),
    groupConsumerMaxSize: config.number("group.consumer.max.size"),
    groupConsumerMigrationPolicy: config.text("group.consumer.migration.policy"),
    groupConsumerSessionTimeoutMs: config.number("group.consumer.session.timeout.ms"),
    leaderImbalanceCheckIntervalSeconds: config.number("leader.imbalance.check.interval.seconds"),
    leaderImbalancePerBrokerPercentage: config.number("leader.imbalance.per.broker.percentage"),
    numPartitions: config.number("num.partitions"),
    offsetMetadataMaxBytes: config.number("offset.metadata.max.bytes"),
    offsetsRetentionCheckIntervalMs: config.number("offsets.retention.check.interval.ms"),
    offsetsRetentionMs: config.number("offsets.retention.minutes") * 60_000,
    offsetsTopicNumPartitions: config.number("offsets.topic.num.partitions"),
    offsetsTopicReplicationFactor: config.number("offsets.topic.replication.factor"),
    offsetsTopicSegmentBytes: config.number("offsets.topic.segment.bytes"),
    producerIdExpirationMs: config.number("producer.id.expiration.ms"),
  };
}
