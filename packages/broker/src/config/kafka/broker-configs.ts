import { authorizerProblem, superUsersProblem } from "./authorizer-configs.ts";
import {
  atLeast,
  between,
  type ConfigDefinition,
  type ConfigTable,
  listOf,
  oneOf,
  type UpdateMode,
} from "./definition.ts";
import { ignoredConfigs } from "./ignored-configs.ts";
import { ipOverridesProblem } from "./ip-overrides.ts";
import { advertisedProblem, listenersProblem, protocolMapProblem } from "./listener.ts";
import { LISTENER_CONFIGS, SASL_CONFIGS, TLS_CONFIGS } from "./security-configs.ts";
import { COMPRESSION_TYPES, gzipLevel, MAX_MESSAGE_IDS, TIMESTAMP_TYPES } from "./topic-configs.ts";
import { WHY } from "./why-ignored.ts";

const MAX_INT = 2_147_483_647;
const UNLIMITED = "9223372036854775807";
const MIB = 1_048_576;

const PLAIN_TYPES = ["none", "gzip", "snappy", "lz4", "zstd"];

const MIGRATION_POLICIES = oneOf("disabled", "downgrade", "upgrade", "bidirectional");
const migrationPolicy = (value: string) => MIGRATION_POLICIES(value.toLowerCase());

type Row = readonly [
  name: string,
  type: ConfigDefinition["type"],
  fallback: string | number | boolean | null,
  check: ConfigDefinition["check"],
  update: UpdateMode,
  doc: string,
];

/** The configs of Kafka 4.4's `AbstractKafkaConfig` that have an effect, and our own. */
// biome-ignore format: one row per config reads better than one line per field
const rows: readonly Row[] = [
  ["advertised.listeners", "list", null, advertisedProblem, "read-only",
    "Address that clients of each listener are told to connect to; unset, the one it is bound to."],
  ["add.partitions.to.txn.retry.backoff.max.ms", "int", 100, atLeast(0), "read-only",
    "How long a producer's next transaction waits for the end of its last one."],
  ["allow.everyone.if.no.acl.found", "boolean", false, null, "read-only",
    "Whether everybody may use a resource to which no ACL applies."],
  ["authorizer.class.name", "string", "", authorizerProblem, "read-only",
    "Kafka's StandardAuthorizer: ACLs decide what clients may do; unset, they may do everything."],
  ["auto.create.topics.enable", "boolean", true, null, "read-only",
    "Whether a topic is created when a client asks for metadata of one that is missing."],
  ["auto.leader.rebalance.enable", "boolean", true, null, "read-only",
    "Whether leadership returns to the preferred leaders automatically."],
  ["broker.id", "int", -1, atLeast(-1), "read-only", "The broker's id, an older name of node.id."],
  ["broker.rack", "string", null, null, "read-only", "The broker's rack, such as a zone."],
  ["compression.gzip.level", "int", -1, gzipLevel, "cluster-wide",
    "Level used when the broker compresses with gzip."],
  ["compression.zstd.level", "int", 3, between(-131_072, 22), "cluster-wide",
    "Level used when the broker compresses with zstd."],
  ["compression.type", "string", "producer", oneOf(...COMPRESSION_TYPES), "cluster-wide",
    "Compression of stored batches; producer keeps what the producer chose."],
  ["connections.max.idle.ms", "long", 600_000, null, "read-only",
    "Time after which a connection without requests is closed."],
  ["controller.listener.names", "list", null, null, "read-only",
    "Listeners of Kafka's controllers; this broker does not listen on them."],
  ["controller.quota.window.num", "int", 11, atLeast(1), "read-only",
    "Samples of controller_mutation_rate: what it allows in all of them may be used at once."],
  ["controller.quota.window.size.seconds", "int", 1, atLeast(1), "read-only",
    "Length of such a sample."],
  ["default.replication.factor", "int", 1, atLeast(1), "read-only",
    "Replicas of a topic that is created without a number."],
  ["delete.topic.enable", "boolean", true, null, "read-only", "Whether topics can be deleted."],
  ["fetch.max.bytes", "int", 55 * MIB, atLeast(1024), "read-only",
    "Most bytes of a fetch response, even if the client asks for more."],
  ["group.consumer.assignors", "list", "uniform,range", listOf("uniform", "range"), "read-only",
    "Server-side assignors of consumer groups, the first being the default."],
  ["group.consumer.heartbeat.interval.ms", "int", 5_000, atLeast(1), "read-only",
    "Time between heartbeats of a consumer group's members."],
  ["group.consumer.max.heartbeat.interval.ms", "int", 15_000, atLeast(1), "read-only",
    "Longest heartbeat interval a consumer group may set."],
  ["group.consumer.max.session.timeout.ms", "int", 60_000, atLeast(1), "read-only",
    "Longest session timeout a consumer group may set."],
  ["group.consumer.max.size", "int", MAX_INT, atLeast(1), "read-only",
    "Members a consumer group may have."],
  ["group.consumer.migration.policy", "string", "bidirectional",
    migrationPolicy, "read-only",
    "Whether groups may move between the classic and the consumer protocol."],
  ["group.consumer.min.heartbeat.interval.ms", "int", 5_000, atLeast(1), "read-only",
    "Shortest heartbeat interval a consumer group may set."],
  ["group.consumer.min.session.timeout.ms", "int", 45_000, atLeast(1), "read-only",
    "Shortest session timeout a consumer group may set."],
  ["group.consumer.session.timeout.ms", "int", 45_000, atLeast(1), "read-only",
    "Time without a heartbeat after which a consumer group's member is removed."],
  ["group.initial.rebalance.delay.ms", "int", 3_000, null, "read-only",
    "Time a new group waits for more members before its first rebalance."],
  ["group.max.session.timeout.ms", "int", 1_800_000, null, "read-only",
    "Longest session timeout a member of a classic group may ask for."],
  ["group.max.size", "int", MAX_INT, atLeast(1), "read-only", "Members a classic group may have."],
  ["group.min.session.timeout.ms", "int", 6_000, null, "read-only",
    "Shortest session timeout a member of a classic group may ask for."],
  ["listener.security.protocol.map", "string", null, protocolMapProblem, "read-only",
    "Security protocol of each listener name; unset, names are protocols."],
  ["listeners", "list", null, listenersProblem, "read-only",
    "Addresses the broker listens on (the first one is bind_addr and bind_port)."],
  ["leader.imbalance.check.interval.seconds", "long", 300, atLeast(1), "read-only",
    "Seconds between checks for partitions that are not led by their preferred leader."],
  ["leader.imbalance.per.broker.percentage", "int", 10, atLeast(0), "read-only",
    "Percentage of a broker's preferred partitions that others may lead before leadership returns."],
  ["log.cleaner.backoff.ms", "long", 15_000, atLeast(0), "cluster-wide",
    "Time between checks for partitions that need compaction."],
  ["log.cleaner.dedupe.buffer.size", "long", 134_217_728, atLeast(MIB), "cluster-wide",
    "Most memory for the keys of a compaction, 24 bytes each; more keys take more runs."],
  ["log.cleaner.delete.retention.ms", "long", 86_400_000, atLeast(0), "cluster-wide",
    "How long a compacted topic keeps tombstones, so that readers can see the deletion."],
  ["log.cleaner.enable", "boolean", true, null, "read-only",
    "Whether topics with cleanup.policy=compact are compacted."],
  ["log.cleaner.io.buffer.load.factor", "double", 0.9, between(0.01, 1), "cluster-wide",
    "Part of log.cleaner.dedupe.buffer.size that keys may fill."],
  ["log.cleaner.io.max.bytes.per.second", "double", "1.7976931348623157E308", atLeast(1),
    "cluster-wide", "Most bytes per second that compaction reads and writes, together."],
  ["log.cleaner.max.compaction.lag.ms", "long", UNLIMITED, atLeast(1), "cluster-wide",
    "Longest time a record of a compacted topic stays out of compaction."],
  ["log.cleaner.min.cleanable.ratio", "double", 0.5, between(0, 1), "cluster-wide",
    "Compaction starts when this share of the log is not compacted yet."],
  ["log.cleaner.min.compaction.lag.ms", "long", 0, atLeast(0), "cluster-wide",
    "Shortest time a record of a compacted topic stays out of compaction."],
  ["log.cleanup.policy", "list", "delete", listOf("delete", "compact"), "cluster-wide",
    "What happens to old segments: deleted, compacted to the last record of each key, or both."],
  ["log.dir", "list", null, null, "read-only", "The data directory (data_dir)."],
  ["log.dirs", "list", null, null, "read-only", "The data directory; overrides log.dir."],
  ["log.index.interval.bytes", "int", 4096, atLeast(0), "cluster-wide",
    "Bytes of records between two entries of the offset index."],
  ["log.initial.task.delay.ms", "long", 30_000, atLeast(0), "read-only",
    "Time from the broker's start to the first check for records that retention deletes."],
  ["log.message.timestamp.after.max.ms", "long", 3_600_000, atLeast(0), "cluster-wide",
    "How far ahead of the broker's clock a record's timestamp may be."],
  ["log.message.timestamp.before.max.ms", "long", UNLIMITED, atLeast(0), "cluster-wide",
    "How far behind the broker's clock a record's timestamp may be."],
  ["log.message.timestamp.type", "string", "CreateTime", oneOf(...TIMESTAMP_TYPES), "cluster-wide",
    "Whether a record carries the time it was created or the time it was appended."],
  ["log.retention.bytes", "long", -1, null, "cluster-wide",
    "Bytes a partition may hold before its oldest segments are deleted; -1 for no limit."],
  ["log.retention.check.interval.ms", "long", 300_000, atLeast(1), "read-only",
    "Time between checks for records that retention deletes."],
  ["log.retention.hours", "int", 168, null, "read-only",
    "Hours after which segments are deleted; log.retention.minutes overrides it."],
  ["log.retention.minutes", "int", null, null, "read-only",
    "Minutes after which segments are deleted; log.retention.ms overrides it."],
  ["log.retention.ms", "long", null, null, "cluster-wide",
    "Time after which segments are deleted; -1 for never."],
  ["log.roll.hours", "int", 168, atLeast(1), "read-only",
    "Hours after which a segment is closed; log.roll.ms overrides it."],
  ["log.roll.jitter.hours", "int", 0, atLeast(0), "read-only",
    "Most hours taken off log.roll.hours at random; log.roll.jitter.ms overrides it."],
  ["log.roll.jitter.ms", "long", null, null, "cluster-wide",
    "Longest time taken off log.roll.ms at random."],
  ["log.roll.ms", "long", null, null, "cluster-wide", "Age after which a segment is closed."],
  ["log.segment.bytes", "int", 1024 * MIB, atLeast(MIB), "cluster-wide",
    "Bytes after which a log segment is closed and the next one started."],
  ["log.segment.delete.delay.ms", "long", 60_000, atLeast(0), "cluster-wide",
    "Time between dropping a segment from the log and removing its files."],
  ["max.connection.creation.rate", "int", MAX_INT, atLeast(0), "cluster-wide",
    "Connections that clients may open in a second; further ones wait for their turn."],
  ["max.connections", "int", MAX_INT, atLeast(0), "cluster-wide",
    "Connections of clients that may be open; further ones wait until others are closed."],
  ["max.connections.per.ip", "int", MAX_INT, atLeast(0), "cluster-wide",
    "Connections that one address may have open; further ones are closed."],
  ["max.connections.per.ip.overrides", "string", "", ipOverridesProblem, "cluster-wide",
    "The same for single addresses, such as 10.0.0.1:100,10.0.0.2:50."],
  ["max.incremental.fetch.session.cache.slots", "int", 1_000, atLeast(0), "read-only",
    "Fetch sessions kept for clients (KIP-227)."],
  ["max.request.partition.size.limit", "int", 2_000, atLeast(1), "read-only",
    "Partitions in one response of DescribeTopicPartitions."],
  ["message.max.bytes", "int", 1_048_588, atLeast(0), "cluster-wide",
    "Largest record batch accepted, after compression."],
  ["min.insync.replicas", "int", 1, atLeast(1), "cluster-wide",
    "In-sync replicas that a produce request with acks=all needs."],
  ["node.id", "int", null, atLeast(0), "read-only", "The broker's id."],
  ["num.partitions", "int", 1, atLeast(1), "read-only",
    "Partitions of a topic that is created without a number."],
  ["offset.metadata.max.bytes", "int", 4096, null, "read-only",
    "Most bytes of the metadata of a committed offset."],
  ["offsets.retention.check.interval.ms", "long", 600_000, atLeast(1), "read-only",
    "Time between checks for committed offsets that have expired."],
  ["offsets.retention.minutes", "int", 10_080, atLeast(1), "read-only",
    "Minutes after which the offsets of a group without members expire."],
  ["offsets.topic.num.partitions", "int", 50, atLeast(1), "read-only",
    "Partitions of __consumer_offsets."],
  ["offsets.topic.replication.factor", "short", 3, atLeast(1), "read-only",
    "Replicas of __consumer_offsets."],
  ["offsets.topic.segment.bytes", "int", 100 * MIB, atLeast(1), "read-only",
    "Segment size of __consumer_offsets."],
  ["producer.id.expiration.ms", "int", 86_400_000, atLeast(1), "cluster-wide",
    "Time after which a silent producer's sequence numbers are forgotten."],
  ["quota.window.num", "int", 11, atLeast(1), "read-only",
    "Samples over which the rates of clients are measured for their quotas."],
  ["quota.window.size.seconds", "int", 1, atLeast(1), "read-only",
    "Length of such a sample, and the longest throttle of request_percentage."],
  ["queued.max.request.bytes", "long", -1, null, "read-only",
    "Bytes of all requests that wait for an answer, above which no more are read; -1: an eighth of " +
      "the memory."],
  ["socket.listen.backlog.size", "int", 50, atLeast(1), "read-only",
    "Connections that may wait until they are accepted or admitted; unset, 1024."],
  ["socket.request.max.bytes", "int", 100 * MIB, atLeast(1), "read-only",
    "Largest request; a connection that sends a larger one is closed."],
  ["super.users", "string", "", superUsersProblem, "read-only",
    "Principals who may do everything, such as User:admin;User:broker."],
  ["tarpan.compression.threshold.bytes", "int", 1024, atLeast(0), "cluster-wide",
    "Size above which tarpan.compression.type is used (compression_threshold)."],
  ["tarpan.compression.type", "string", "none", oneOf(...PLAIN_TYPES), "cluster-wide",
    "Codec for batches that are not compressed, of topics without a compression.type " +
      "(compression_type)."],
  ["tarpan.dedupe.enable", "boolean", false, null, "cluster-wide",
    "Whether topics that do not say leave out records whose message id is known."],
  ["tarpan.dedupe.max.ids", "int", 100_000, between(1, MAX_MESSAGE_IDS), "cluster-wide",
    "Message ids that a partition remembers; the oldest is forgotten first."],
  ["tarpan.dedupe.ttl.ms", "long", 86_400_000, atLeast(1), "cluster-wide",
    "How long a message id is remembered."],
  ["tarpan.half.message.check.interval.ms", "long", 30_000, atLeast(1), "cluster-wide",
    "How long after a check a half message is checked again, or rolled back after the last one."],
  ["tarpan.half.message.check.max", "int", 15, between(1, 10_000), "cluster-wide",
    "Checks of a half message that is not resolved before it is rolled back."],
  ["tarpan.half.message.timeout.ms", "long", 6_000, atLeast(1), "cluster-wide",
    "How long a half message waits for its resolution before it is checked."],
  ["transaction.max.timeout.ms", "int", 900_000, atLeast(1), "read-only",
    "Longest time-out that a transactional producer may ask for."],
  ["transaction.remove.expired.transaction.cleanup.interval.ms", "int", 3_600_000, atLeast(1),
    "read-only", "Time between checks for transactional ids that have expired."],
  ["transaction.state.log.num.partitions", "int", 50, atLeast(1), "read-only",
    "Partitions of __transaction_state."],
  ["transaction.state.log.replication.factor", "short", 3, atLeast(1), "read-only",
    "Replicas of __transaction_state."],
  ["transaction.state.log.segment.bytes", "int", 100 * MIB, atLeast(1), "read-only",
    "Segment size of __transaction_state."],
  ["transactional.id.expiration.ms", "int", 604_800_000, atLeast(1), "read-only",
    "Time after which a transactional id that is not used is forgotten."],
];

/** Kafka has them in its authorizer, not among the configs of a broker. */
const INTERNAL = new Set(["allow.everyone.if.no.acl.found", "super.users"]);

const configs: ConfigDefinition[] = rows.map(([name, type, fallback, check, update, doc]) => ({
  name,
  type,
  fallback: fallback === null ? null : String(fallback),
  check,
  doc,
  update,
  synonyms: [],
  ignored: null,
  hidden: INTERNAL.has(name),
}));

const FOR_ONE_LISTENER = /^listener\.name\.[^.]+\.(.+)$/;

/** Also finds configs for one listener: `listener.name.NAME.CONFIG`, `….MECHANISM.CONFIG`. */
class BrokerConfigs extends Map<string, ConfigDefinition> {
  override get(name: string): ConfigDefinition | undefined {
    const known = super.get(name);
    const rest = known === undefined ? FOR_ONE_LISTENER.exec(name)?.[1] : undefined;
    if (rest === undefined) return known;
    const base = super.get(rest) ?? super.get(rest.slice(rest.indexOf(".") + 1));
    const own = base !== undefined && LISTENER_CONFIGS.has(base.name);
    const ignored = own ? null : (base?.ignored ?? WHY.listener);
    return base && { ...base, name, fallback: null, hidden: true, ignored };
  }
}

/** Every broker config of Kafka, ascending by name, as Kafka lists them. */
export const BROKER_CONFIGS: ConfigTable = new BrokerConfigs(
  [...configs, ...TLS_CONFIGS, ...SASL_CONFIGS, ...ignoredConfigs()]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((config) => [config.name, config]),
);
