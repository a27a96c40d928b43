/**
 * The records of `__consumer_offsets`, as Kafka's group coordinator writes them. The key begins
 * with the record type, the value with its version. A null value is a tombstone. Types from 10000
 * on are Tarpan's own (ADR 37): Kafka's tools skip types that they do not know.
 */
import {
  array,
  bool,
  bytes,
  type Fields,
  i8,
  i16,
  i32,
  i64,
  offset,
  type Range,
  string,
  struct,
  uuid,
  ZERO_UUID,
} from "../schema.ts";

interface GroupRecordSchema<K extends Fields, V extends Fields> {
  /** First two bytes of the key. */
  readonly type: number;
  readonly key: K;
  readonly value: { readonly versions: Range; readonly flexible: Range; readonly fields: V };
  /** The version in which values are written. */
  readonly writeVersion: number;
}

function groupRecord<const K extends Fields, const V extends Fields>(
  schema: GroupRecordSchema<K, V>,
): GroupRecordSchema<K, V> {
  return schema;
}

/**
 * A committed offset. v1 expire timestamp, gone in v2 · v3 leader epoch · v4 flexible, topic id.
 */
const OffsetCommit = groupRecord({
  type: 1,
  key: { group: string, topic: string, partition: i32 },
  value: {
    versions: "0-4",
    flexible: "4+",
    fields: {
      offset: offset,
      leaderEpoch: i32.default(-1).in("3+"),
      metadata: string,
      commitTimestamp: offset,
      expireTimestamp: offset.default(-1).in("1"),
      topicId: uuid.default(ZERO_UUID).tag(0, "4+"),
    },
  },
  writeVersion: 4,
});

/**
 * A group of the classic protocol in one generation. v2 timestamp · v3 instance ids · v4 flexible.
 */
const GroupMetadata = groupRecord({
  type: 2,
  key: { group: string },
  value: {
    versions: "0-4",
    flexible: "4+",
    fields: {
      protocolType: string,
      generation: i32,
      protocol: string.nullable(),
      leader: string.nullable(),
      currentStateTimestamp: offset.default(-1).in("2+"),
      members: array({
        memberId: string,
        groupInstanceId: string.nullable().default(null).in("3+"),
        clientId: string,
        clientHost: string,
        rebalanceTimeout: i32.default(-1).in("1+"),
        sessionTimeout: i32,
        subscription: bytes,
        assignment: bytes,
      }),
    },
  },
  writeVersion: 4,
});

/** A group of the consumer protocol (KIP-848): its epoch. */
const ConsumerGroupMetadata = groupRecord({
  type: 3,
  key: { groupId: string },
  value: {
    versions: "0",
    flexible: "0+",
    fields: { epoch: i32, metadataHash: i64.default(0n).tag(0, "0+") },
  },
  writeVersion: 0,
});

/** What a member of the consumer protocol has sent about itself in heartbeats. */
const ConsumerGroupMemberMetadata = groupRecord({
  type: 5,
  key: { groupId: string, memberId: string },
  value: {
    versions: "0",
    flexible: "0+",
    fields: {
      instanceId: string.nullable(),
      rackId: string.nullable(),
      clientId: string,
      clientHost: string,
      subscribedTopicNames: array(string),
      subscribedTopicRegex: string.nullable(),
      rebalanceTimeoutMs: i32.default(-1),
      serverAssignor: string.nullable(),
      classicMemberMetadata: struct({
        sessionTimeoutMs: i32,
        supportedProtocols: array({ name: string, metadata: bytes }),
      })
        .nullable()
        .default(null)
        .tag(0, "0+"),
    },
  },
  writeVersion: 0,
});

/** The group epoch for which the target assignment was computed. */
const ConsumerGroupTargetAssignmentMetadata = groupRecord({
  type: 6,
  key: { groupId: string },
  value: {
    versions: "0",
    flexible: "0+",
    fields: { assignmentEpoch: i32, assignmentTimestamp: offset.default(0).tag(0, "0+") },
  },
  writeVersion: 0,
});

/** A member's target assignment. */
const ConsumerGroupTargetAssignmentMember = groupRecord({
  type: 7,
  key: { groupId: string, memberId: string },
  value: {
    versions: "0",
    flexible: "0+",
    fields: { topicPartitions: array({ topicId: uuid, partitions: array(i32) }) },
  },
  writeVersion: 0,
});

const ownedPartitions = array({
  topicId: uuid,
  partitions: array(i32),
  assignmentEpochs: array(i32).nullable().default(null).tag(0, "0+"),
});

/** The partitions that a member owns, and those that it must still revoke. */
const ConsumerGroupCurrentMemberAssignment = groupRecord({
  type: 8,
  key: { groupId: string, memberId: string },
  value: {
    versions: "0",
    flexible: "0+",
    fields: {
      memberEpoch: i32,
      previousMemberEpoch: i32,
      state: i8,
      assignedPartitions: ownedPartitions,
      partitionsPendingRevocation: ownedPartitions,
    },
  },
  writeVersion: 0,
});

/** The topics that match a regular expression to which members subscribe. */
const ConsumerGroupRegularExpression = groupRecord({
  type: 16,
  key: { groupId: string, regularExpression: string },
  value: {
    versions: "0",
    flexible: "0+",
    fields: { topics: array(string), version: offset, timestamp: offset },
  },
  writeVersion: 0,
});

/**
 * An offset that a transaction has committed, and that counts when the transaction is committed.
 */
const PendingOffset = groupRecord({
  type: 10_001,
  key: { producerId: offset, group: string, topic: string, partition: i32 },
  value: {
    versions: "0",
    flexible: "0+",
    fields: {
      producerEpoch: i16,
      offset: offset,
      leaderEpoch: i32,
      metadata: string,
      commitTimestamp: offset,
      topicId: uuid,
      /** Only in snapshots: an offset that was recorded later counts instead. */
      isOutdated: bool.default(false).tag(0, "0+"),
      /**
       * Of the transaction's first record in this log. In that record and in snapshots; -1
       * elsewhere.
       */
      startOffset: offset.default(-1).tag(1, "0+"),
    },
  },
  writeVersion: 0,
});

/**
 * The end of a producer's transaction, which decides about all of its pending offsets. A tombstone
 * forgets the producer.
 */
const TransactionEnd = groupRecord({
  type: 10_002,
  key: { producerId: offset },
  value: {
    versions: "0",
    flexible: "0+",
    fields: {
      producerEpoch: i16,
      coordinatorEpoch: i32,
      timestamp: offset,
      /** See TransactionResult. */
      result: i8,
    },
  },
  writeVersion: 0,
});

/** Values of TransactionEnd's `result`. */
export const TransactionResult = {
  aborted: 0,
  committed: 1,
  /** Only in snapshots: the record tells the producer's epochs and ends nothing. */
  none: 2,
} as const;

export const groupRecords = {
  OffsetCommit,
  GroupMetadata,
  ConsumerGroupMetadata,
  ConsumerGroupMemberMetadata,
  ConsumerGroupTargetAssignmentMetadata,
  ConsumerGroupTargetAssignmentMember,
  ConsumerGroupCurrentMemberAssignment,
  ConsumerGroupRegularExpression,
  PendingOffset,
  TransactionEnd,
} as const;
