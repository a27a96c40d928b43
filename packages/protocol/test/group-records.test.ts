import { describe, expect, it } from "vitest";
import {
  decodeGroupRecord,
  encodeGroupRecord,
  type GroupRecord,
  ProtocolError,
  TransactionResult,
  ZERO_UUID,
} from "../src/index.ts";

const hex = (bytes: Uint8Array | null): string => (bytes ? Buffer.from(bytes).toString("hex") : "");
const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const TOPIC_ID = "00010203-0405-0607-0809-0a0b0c0d0e0f";

const key = { group: "g", topic: "t", partition: 7 };
const KEY = "0001 0001 67 0001 74 00000007";
const offset = {
  offset: 5,
  leaderEpoch: 2,
  metadata: "m",
  commitTimestamp: 9,
  expireTimestamp: -1,
  topicId: TOPIC_ID,
};
const OFFSET = "0004 0000000000000005 00000002 02 6d 0000000000000009 01 00 10 ";

/** Bytes encoded by hand from Kafka's definitions, so that Kafka's tools can read them. */
const KNOWN: readonly [string, GroupRecord, string, string][] = [
  [
    "a committed offset",
    { record: "OffsetCommit", key, value: offset },
    KEY,
    `${OFFSET} 000102030405060708090a0b0c0d0e0f`,
  ],
  [
    "a committed offset with a time of expiry, in the version that has one",
    {
      record: "OffsetCommit",
      key,
      value: { ...offset, leaderEpoch: -1, expireTimestamp: 11, topicId: ZERO_UUID },
    },
    KEY,
    "0001 0000000000000005 0001 6d 0000000000000009 000000000000000b",
  ],
  ["a tombstone", { record: "OffsetCommit", key, value: null }, KEY, ""],
  [
    "a classic group",
    {
      record: "GroupMetadata",
      key: { group: "g" },
      value: {
        protocolType: "consumer",
        generation: 3,
        protocol: "range",
        leader: "m",
        currentStateTimestamp: 8,
        members: [
          {
            memberId: "m",
            groupInstanceId: null,
            clientId: "c",
            clientHost: "/h",
            rebalanceTimeout: 6,
            sessionTimeout: 7,
            subscription: bytesOf("aa"),
            assignment: bytesOf(""),
          },
        ],
      },
    },
    "0002 0001 67",
    `0004 09 ${hex(Buffer.from("consumer"))} 00000003 06 ${hex(Buffer.from("range"))} 02 6d 0000000000000008
     02 02 6d 00 02 63 03 2f68 00000006 00000007 02 aa 01 00 00`.replaceAll(/\s/g, ""),
  ],
  [
    "the epoch of a consumer group",
    {
      record: "ConsumerGroupMetadata",
      key: { groupId: "g" },
      value: { epoch: 4, metadataHash: 1n },
    },
    "0003 0001 67",
    "0000 00000004 01 00 08 0000000000000001",
  ],
  [
    "a member of a consumer group",
    {
      record: "ConsumerGroupMemberMetadata",
      key: { groupId: "g", memberId: "m" },
      value: {
        instanceId: null,
        rackId: "r",
        clientId: "c",
        clientHost: "h",
        subscribedTopicNames: ["t"],
        subscribedTopicRegex: null,
        rebalanceTimeoutMs: 5,
        serverAssignor: null,
        classicMemberMetadata: {
          sessionTimeoutMs: 6,
          supportedProtocols: [{ name: "p", metadata: bytesOf("bb") }],
        },
      },
    },
    "0005 0001 67 0001 6d",
    "0000 00 0272 0263 0268 02 0274 00 00000005 00 01 00 0c 01 00000006 02 0270 02bb 00 00",
  ],
  [
    "the epoch of a target assignment",
    {
      record: "ConsumerGroupTargetAssignmentMetadata",
      key: { groupId: "g" },
      value: { assignmentEpoch: 4, assignmentTimestamp: 0 },
    },
    "0006 0001 67",
    "0000 00000004 00",
  ],
  [
    "a target assignment",
    {
      record: "ConsumerGroupTargetAssignmentMember",
      key: { groupId: "g", memberId: "m" },
      value: { topicPartitions: [{ topicId: TOPIC_ID, partitions: [1, 2] }] },
    },
    "0007 0001 67 0001 6d",
    "0000 02 000102030405060708090a0b0c0d0e0f 03 00000001 00000002 00 00",
  ],
  [
    "a current assignment",
    {
      record: "ConsumerGroupCurrentMemberAssignment",
      key: { groupId: "g", memberId: "m" },
      value: {
        memberEpoch: 2,
        previousMemberEpoch: 1,
        state: 1,
        assignedPartitions: [{ topicId: TOPIC_ID, partitions: [1], assignmentEpochs: [2] }],
        partitionsPendingRevocation: [],
      },
    },
    "0008 0001 67 0001 6d",
    "0000 00000002 00000001 01 02 000102030405060708090a0b0c0d0e0f 02 00000001 01 00 05 02 00000002 01 00",
  ],
  [
    "the topics of a regular expression",
    {
      record: "ConsumerGroupRegularExpression",
      key: { groupId: "g", regularExpression: "t.*" },
      value: { topics: ["t"], version: 3, timestamp: 4 },
    },
    "0010 0001 67 0003 742e2a",
    "0000 02 0274 0000000000000003 0000000000000004 00",
  ],
];

/** Tarpan's own records. Logs have them, so their bytes must stay as they are. */
const OWN: readonly [string, GroupRecord, string, string][] = [
  [
    "a pending offset",
    {
      record: "PendingOffset",
      key: { producerId: 3, ...key },
      value: {
        producerEpoch: 4,
        offset: 5,
        leaderEpoch: 2,
        metadata: "m",
        commitTimestamp: 9,
        topicId: TOPIC_ID,
        isOutdated: false,
        startOffset: -1,
      },
    },
    "2711 0000000000000003 0001 67 0001 74 00000007",
    `0000 0004 0000000000000005 00000002 02 6d 0000000000000009
     000102030405060708090a0b0c0d0e0f 00`.replaceAll(/\s/g, ""),
  ],
  [
    "the first pending offset of a transaction",
    {
      record: "PendingOffset",
      key: { producerId: 3, ...key },
      value: {
        producerEpoch: 4,
        offset: 5,
        leaderEpoch: 2,
        metadata: "m",
        commitTimestamp: 9,
        topicId: TOPIC_ID,
        isOutdated: false,
        startOffset: 258,
      },
    },
    "2711 0000000000000003 0001 67 0001 74 00000007",
    `0000 0004 0000000000000005 00000002 02 6d 0000000000000009
     000102030405060708090a0b0c0d0e0f 01 01 08 0000000000000102`.replaceAll(/\s/g, ""),
  ],
  [
    "the end of a transaction",
    {
      record: "TransactionEnd",
      key: { producerId: 3 },
      value: {
        producerEpoch: 4,
        coordinatorEpoch: 6,
        timestamp: 9,
        result: TransactionResult.committed,
      },
    },
    "2712 0000000000000003",
    "0000 0004 00000006 0000000000000009 01 00",
  ],
];

describe("records of __consumer_offsets", () => {
  it.each([...KNOWN, ...OWN])(
    "has the known bytes for %s",
    (_name, record, expectedKey, expectedValue) => {
      const encoded = encodeGroupRecord(record);
      expect(hex(encoded.key)).toBe(expectedKey.replaceAll(" ", ""));
      expect(hex(encoded.value)).toBe(expectedValue.replaceAll(" ", ""));
      expect(decodeGroupRecord(encoded.key, encoded.value)).toEqual(record);
    },
  );

  it.each([
    ["0000 0000000000000005 0001 6d 0000000000000009", {}],
    ["0001 0000000000000005 0001 6d 0000000000000009 000000000000000b", { expireTimestamp: 11 }],
    ["0002 0000000000000005 0001 6d 0000000000000009", {}],
    ["0003 0000000000000005 00000002 0001 6d 0000000000000009", { leaderEpoch: 2 }],
    ["0004 0000000000000005 00000002 02 6d 0000000000000009 00", { leaderEpoch: 2 }],
  ])("reads the older value %s of an offset", (value, fields) => {
    const older = { ...offset, leaderEpoch: -1, topicId: ZERO_UUID, ...fields };
    const read = decodeGroupRecord(bytesOf(KEY), bytesOf(value));
    expect(read).toEqual({ record: "OffsetCommit", key, value: older });
  });

  it("reads the key type of Kafka before 0.9", () => {
    const read = decodeGroupRecord(bytesOf(KEY.replace("0001", "0000")), null);
    expect(read).toEqual({ record: "OffsetCommit", key, value: null });
  });

  it("returns null for unknown record types", () => {
    expect(decodeGroupRecord(bytesOf("7fff 00"), bytesOf("0000"))).toBeNull();
    expect(decodeGroupRecord(bytesOf("0004 0001 67"), null)).toBeNull();
  });

  it.each([
    ["00", null],
    ["0001 0001 67", null],
    [KEY, ""],
    [KEY, "0005 00"],
    [KEY, "ffff 00"],
    [KEY, "0004 0000000000000005"],
    [KEY, "0004 0000000000000005 00000002 ff6d"],
  ])("refuses the key %s with the value %s", (brokenKey, value) => {
    const read = () =>
      decodeGroupRecord(bytesOf(brokenKey), value === null ? null : bytesOf(value));
    expect(read).toThrow(ProtocolError);
  });
});
