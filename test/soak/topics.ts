const MIB = 1024 * 1024;
/** The smallest segment that Kafka allows, so that much is rolled, deleted and cleaned. */
const SEGMENT = { "segment.bytes": String(MIB) };
const COMPACTED = {
  ...SEGMENT,
  "segment.ms": "10000",
  "min.cleanable.dirty.ratio": "0.3",
  "delete.retention.ms": "60000",
};

export interface SoakTopic {
  readonly name: string;
  readonly partitions: number;
  /** Keys of the whole topic; 0 for records without keys, of which none may be missing. */
  readonly keys: number;
  /** Whether some records are sent twice with one message id. */
  readonly repeats: boolean;
  readonly configs: Readonly<Record<string, string>>;
  /** What is set for a while, now and then, and then taken back. */
  readonly change?: Readonly<Record<string, string>>;
  /** How much it may keep at a given rate of writing to each of its partitions, bytes. */
  readonly boundBytes: (bytesPerSecond: number) => number;
}

/**
 * How long a deletion may lag behind its time: the interval of the checks, the delay of deleting
 * files, and a broker that is down or slow.
 */
const LAG_S = 30;

export const TOPICS: readonly SoakTopic[] = [
  {
    name: "by-bytes",
    partitions: 2,
    keys: 0,
    repeats: false,
    configs: { ...SEGMENT, "retention.bytes": String(4 * MIB) },
    change: { "retention.bytes": String(2 * MIB) },
    boundBytes: (rate) => 2 * (4 * MIB + 2 * MIB + LAG_S * rate),
  },
  {
    name: "by-time",
    partitions: 2,
    keys: 0,
    repeats: false,
    configs: { ...SEGMENT, "retention.ms": "30000", "segment.ms": "10000" },
    change: { "retention.ms": "60000" },
    boundBytes: (rate) => 2 * (2 * MIB + (60 + 10 + LAG_S) * rate),
  },
  {
    name: "compacted",
    partitions: 2,
    keys: 20_000,
    repeats: false,
    configs: { ...COMPACTED, "cleanup.policy": "compact" },
    change: { "min.cleanable.dirty.ratio": "0.8" },
    // The live keys, four times as much that is not cleaned (ratio 0.8), and a copy in a swap.
    boundBytes: (rate) => 6 * 12 * MIB + 2 * (2 * MIB + LAG_S * rate),
  },
  {
    name: "compact-delete",
    partitions: 1,
    keys: 5_000,
    repeats: false,
    configs: { ...COMPACTED, "cleanup.policy": "compact,delete", "retention.bytes": "8388608" },
    change: { "cleanup.policy": "delete" },
    // All of it may be copied in a swap.
    boundBytes: (rate) => 2 * (8 * MIB + 2 * MIB + LAG_S * rate),
  },
  {
    name: "deduplicated",
    partitions: 1,
    keys: 0,
    repeats: true,
    configs: {
      ...SEGMENT,
      "retention.bytes": String(4 * MIB),
      "tarpan.dedupe.enable": "true",
      "tarpan.dedupe.ttl.ms": "600000",
    },
    boundBytes: (rate) => 4 * MIB + 2 * MIB + LAG_S * rate,
  },
];

export const BROKER_CONFIGS: Readonly<Record<string, string>> = {
  "log.initial.task.delay.ms": "2000",
  "log.retention.check.interval.ms": "2000",
  "log.cleaner.backoff.ms": "2000",
  "log.segment.delete.delay.ms": "1000",
};

export const PARTITION_COUNT = TOPICS.reduce((sum, { partitions }) => sum + partitions, 0);

/** The broker's own topics and the state of deduplication and producers. */
const OWN_BYTES = 64 * MIB;

/** How much all topics may keep together. */
export function boundBytes(bytesPerSecond: number): number {
  const rate = bytesPerSecond / PARTITION_COUNT;
  return TOPICS.reduce((sum, topic) => sum + topic.boundBytes(rate), OWN_BYTES);
}
