import {
  atLeast,
  between,
  type ConfigDefinition,
  type ConfigTable,
  listOf,
  oneOf,
  type Synonym,
} from "./definition.ts";
import { WHY } from "./why-ignored.ts";

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const WEEK_MS = 168 * HOUR_MS;
/** Java's `Long.MAX_VALUE`: Kafka's way to say "no limit". */
const UNLIMITED = "9223372036854775807";
/** The longest array that Kafka allocates in Java. */
const MAX_ARRAY = 2_147_483_639;

export const COMPRESSION_TYPES = ["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"];
export const TIMESTAMP_TYPES = ["CreateTime", "LogAppendTime"];

type Row = readonly [
  name: string,
  type: ConfigDefinition["type"],
  fallback: string | number | boolean,
  check: ConfigDefinition["check"],
  synonyms: readonly (string | Synonym)[],
  doc: string,
];

const hours = (name: string): Synonym => ({ name, factor: HOUR_MS });
const minutes = (name: string): Synonym => ({ name, factor: MINUTE_MS });

/** They take 80 bytes each at most: 1.3 GB. */
export const MAX_MESSAGE_IDS = 2 ** 24;

/** Kafka 4.4's `LogConfig` and `ServerTopicConfigSynonyms`, and `tarpan.*`; the texts are ours. */
// biome-ignore format: one row per config reads better than one line per field
const rows: readonly Row[] = [
  ["cleanup.policy", "list", "delete", listOf("delete", "compact"), ["log.cleanup.policy"],
    "What happens to old segments: deleted, compacted to the last record of each key, or both."],
  ["compression.gzip.level", "int", -1, gzipLevel, ["compression.gzip.level"],
    "Level used when the broker compresses with gzip; -1 is gzip's own default."],
  ["compression.lz4.level", "int", 9, between(1, 17), ["compression.lz4.level"],
    "Level used when the broker compresses with lz4."],
  ["compression.type", "string", "producer", oneOf(...COMPRESSION_TYPES), ["compression.type"],
    "Compression of stored batches; producer keeps what the producer chose."],
  ["compression.zstd.level", "int", 3, between(-131_072, 22), ["compression.zstd.level"],
    "Level used when the broker compresses with zstd."],
  ["delete.retention.ms", "long", 24 * HOUR_MS, atLeast(0), ["log.cleaner.delete.retention.ms"],
    "How long a compacted topic keeps tombstones, so that readers can see the deletion."],
  ["errors.deadletterqueue.group.enable", "boolean", false, null, [],
    "Whether share groups may use this topic as their dead-letter queue."],
  ["file.delete.delay.ms", "long", MINUTE_MS, atLeast(0), ["log.segment.delete.delay.ms"],
    "Time between dropping a segment from the log and removing its files; no effect in a cluster."],
  ["flush.messages", "long", UNLIMITED, atLeast(1), ["log.flush.interval.messages"],
    "Records after which the log is forced to disk."],
  ["flush.ms", "long", UNLIMITED, atLeast(0),
    ["log.flush.interval.ms", "log.flush.scheduler.interval.ms"],
    "Time after which the log is forced to disk."],
  ["follower.replication.throttled.replicas", "list", "", null, [],
    "Replicas whose replication is throttled on the follower's side, or *."],
  ["index.interval.bytes", "int", 4096, atLeast(0), ["log.index.interval.bytes"],
    "Bytes of records between two entries of the offset index; no effect in a cluster."],
  ["leader.replication.throttled.replicas", "list", "", null, [],
    "Replicas whose replication is throttled on the leader's side, or *."],
  ["local.retention.bytes", "long", -2, atLeast(-2), ["log.local.retention.bytes"],
    "Bytes kept locally once segments are tiered; -2 follows retention.bytes."],
  ["local.retention.ms", "long", -2, atLeast(-2), ["log.local.retention.ms"],
    "Time segments are kept locally once they are tiered; -2 follows retention.ms."],
  ["max.compaction.lag.ms", "long", UNLIMITED, atLeast(1), ["log.cleaner.max.compaction.lag.ms"],
    "Longest time a record of a compacted topic stays out of compaction."],
  ["max.decompressed.message.bytes", "int", MAX_ARRAY, between(1, MAX_ARRAY),
    ["max.decompressed.message.bytes"],
    "Largest size of a record batch once it is decompressed."],
  ["max.message.bytes", "int", 1_048_588, atLeast(0), ["message.max.bytes"],
    "Largest record batch accepted, after compression."],
  ["message.timestamp.after.max.ms", "long", HOUR_MS, atLeast(0),
    ["log.message.timestamp.after.max.ms"],
    "How far ahead of the broker's clock a record's timestamp may be."],
  ["message.timestamp.before.max.ms", "long", UNLIMITED, atLeast(0),
    ["log.message.timestamp.before.max.ms"],
    "How far behind the broker's clock a record's timestamp may be."],
  ["message.timestamp.type", "string", "CreateTime", oneOf(...TIMESTAMP_TYPES),
    ["log.message.timestamp.type"],
    "Whether a record carries the time it was created or the time it was appended."],
  ["min.cleanable.dirty.ratio", "double", 0.5, between(0, 1), ["log.cleaner.min.cleanable.ratio"],
    "Compaction starts when this share of the log is not compacted yet."],
  ["min.compaction.lag.ms", "long", 0, atLeast(0), ["log.cleaner.min.compaction.lag.ms"],
    "Shortest time a record of a compacted topic stays out of compaction."],
  ["min.insync.replicas", "int", 1, atLeast(1), ["min.insync.replicas"],
    "In-sync replicas that a produce request with acks=all needs."],
  ["preallocate", "boolean", false, null, ["log.preallocate"],
    "Whether segment files get their full size when they are created."],
  ["remote.copy.lag.bytes", "long", -1, atLeast(-1), ["log.remote.copy.lag.bytes"],
    "Bytes a segment may lag behind before it is copied to remote storage."],
  ["remote.copy.lag.ms", "long", 0, atLeast(-1), ["log.remote.copy.lag.ms"],
    "Time a segment may lag behind before it is copied to remote storage."],
  ["remote.log.copy.disable", "boolean", false, null, [],
    "Whether copying of segments to remote storage is stopped."],
  ["remote.log.delete.on.disable", "boolean", false, null, [],
    "Whether remote segments are deleted when remote storage is switched off."],
  ["remote.storage.enable", "boolean", false, noRemoteStorage, [],
    "Whether segments are tiered to remote storage, which this broker does not have."],
  ["retention.bytes", "long", -1, null, ["log.retention.bytes"],
    "Bytes a partition may hold before its oldest segments are deleted; -1 for no limit."],
  ["retention.ms", "long", WEEK_MS, atLeast(-1),
    ["log.retention.ms", minutes("log.retention.minutes"), hours("log.retention.hours")],
    "Time after which segments are deleted; -1 for never."],
  ["segment.bytes", "int", 1_073_741_824, atLeast(1_048_576), ["log.segment.bytes"],
    "Bytes after which a log segment is closed and the next one started; in a cluster, bytes at the "
      + "end of a log that are not compacted."],
  ["segment.index.bytes", "int", 10_485_760, atLeast(4), ["log.index.size.max.bytes"],
    "Largest size of a segment's offset index."],
  ["segment.jitter.ms", "long", 0, atLeast(0),
    ["log.roll.jitter.ms", hours("log.roll.jitter.hours")],
    "Largest random time taken off segment.ms, so that segments do not all roll at once; "
      + "in a cluster NATS decides."],
  ["segment.ms", "long", WEEK_MS, atLeast(1), ["log.roll.ms", hours("log.roll.hours")],
    "Age after which a log segment is closed even if it is not full; in a cluster, age after which "
      + "the end of a log is compacted, too."],
  ["tarpan.dedupe.enable", "boolean", false, null, ["tarpan.dedupe.enable"],
    "Whether a record whose header tarpan-message-id is known is left out as a copy."],
  ["tarpan.dedupe.max.ids", "int", 100_000, between(1, MAX_MESSAGE_IDS), ["tarpan.dedupe.max.ids"],
    "Message ids that a partition remembers; the oldest is forgotten first."],
  ["tarpan.dedupe.ttl.ms", "long", 24 * HOUR_MS, atLeast(1), ["tarpan.dedupe.ttl.ms"],
    "How long a message id is remembered."],
  ["unclean.leader.election.enable", "boolean", false, null, ["unclean.leader.election.enable"],
    "Whether a replica that is not in sync may become leader, which can lose records."],
];

/** The configs that have no effect, by reason. */
// biome-ignore format: one reason after the other
const IGNORED: readonly (readonly [ignored: string, ...names: string[]])[] = [
  [WHY.flush, "flush.messages", "flush.ms"],
  [WHY.segments, "preallocate", "segment.index.bytes"],
  [WHY.levels, "compression.lz4.level"],
  [WHY.fixed, "max.decompressed.message.bytes"],
  [WHY.replication, "follower.replication.throttled.replicas",
    "leader.replication.throttled.replicas", "unclean.leader.election.enable"],
  [WHY.tiered, "local.retention.bytes", "local.retention.ms", "remote.copy.lag.bytes",
    "remote.copy.lag.ms", "remote.log.copy.disable", "remote.log.delete.on.disable",
    "remote.storage.enable"],
  [WHY.share, "errors.deadletterqueue.group.enable"],
];

function ignoredOf(name: string): string | null {
  return IGNORED.find(([, ...names]) => names.includes(name))?.[0] ?? null;
}

export const TOPIC_CONFIGS: ConfigTable = new Map(
  rows.map(([name, type, fallback, check, synonyms, doc]) => [
    name,
    {
      name,
      type,
      fallback: String(fallback),
      check,
      doc,
      update: "cluster-wide",
      synonyms: synonyms.map((s) => (typeof s === "string" ? { name: s, factor: 1 } : s)),
      ignored: ignoredOf(name),
      hidden: false,
    } satisfies ConfigDefinition,
  ]),
);

export function gzipLevel(value: string): string | null {
  return value === "-1" ? null : between(1, 9)(value);
}

function noRemoteStorage(value: string): string | null {
  return /^true$/i.test(value) ? "this broker has no remote storage" : null;
}
