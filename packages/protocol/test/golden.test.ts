import { expect, test } from "vitest";
import {
  type AnyApi,
  ApiVersions,
  ConsumerGroupHeartbeat,
  CreateTopics,
  codecOf,
  DescribeTopicPartitions,
  Fetch,
  InitProducerId,
  ListOffsets,
  Metadata,
  Produce,
  Reader,
  Writer,
  ZERO_UUID,
} from "../src/index.ts";

/**
 * Bodies encoded by hand from Kafka's protocol guide, each with its decoded value.
 */
interface Golden {
  readonly api: AnyApi;
  readonly version: number;
  readonly side: "request" | "response";
  /** Hexadecimal, one field or struct per line. */
  readonly wire: readonly string[];
  /** What to encode. */
  readonly value: Record<string, unknown>;
  /**
   * The decoded value, if it has more fields: defaults of fields that were left out or not sent.
   */
  readonly decoded?: Record<string, unknown>;
}

const TOPIC_ID = "00010203-0405-0607-0809-0a0b0c0d0e0f";
const TOPIC_ID_WIRE = "000102030405060708090a0b0c0d0e0f";

const goldens: readonly Golden[] = [
  {
    api: ApiVersions,
    version: 0,
    side: "response",
    wire: ["0023", "00000001", "0012 0000 0004"],
    value: { errorCode: 35, apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }] },
    decoded: {
      errorCode: 35,
      apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }],
      throttleTimeMs: 0,
      supportedFeatures: [],
      finalizedFeaturesEpoch: -1,
      finalizedFeatures: [],
      zkMigrationReady: false,
    },
  },
  {
    api: ApiVersions,
    version: 3,
    side: "response",
    wire: [
      "0000",
      // One key, each struct with an empty tagged section.
      "02 0000 0003 000d 00",
      "00000000",
      // Tags 0 and 1: features, and their epoch 5.
      "02",
      "00 08 02 0266 0000 0001 00",
      "01 08 0000000000000005",
    ],
    value: {
      errorCode: 0,
      apiKeys: [{ apiKey: 0, minVersion: 3, maxVersion: 13 }],
      throttleTimeMs: 0,
      supportedFeatures: [{ name: "f", minVersion: 0, maxVersion: 1 }],
      finalizedFeaturesEpoch: 5,
      finalizedFeatures: [],
      zkMigrationReady: false,
    },
  },
  {
    api: Metadata,
    version: 1,
    side: "request",
    wire: ["ffffffff"],
    value: { topics: null },
    decoded: {
      topics: null,
      allowAutoTopicCreation: true,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    },
  },
  {
    api: Metadata,
    version: 12,
    side: "request",
    wire: ["02", TOPIC_ID_WIRE, "00", "00", "00", "01", "00"],
    value: {
      topics: [{ topicId: TOPIC_ID, name: null }],
      allowAutoTopicCreation: false,
      includeTopicAuthorizedOperations: true,
    },
    decoded: {
      topics: [{ topicId: TOPIC_ID, name: null }],
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: true,
    },
  },
  {
    api: Produce,
    version: 3,
    side: "request",
    wire: [
      "ffff",
      "ffff",
      "000003e8",
      "00000001",
      "0001 74",
      "00000001",
      "00000002",
      "00000003 aabbcc",
    ],
    value: {
      transactionalId: null,
      acks: -1,
      timeoutMs: 1000,
      topicData: [
        {
          name: "t",
          topicId: ZERO_UUID,
          partitionData: [{ index: 2, records: Uint8Array.of(0xaa, 0xbb, 0xcc) }],
        },
      ],
    },
  },
  {
    api: Produce,
    version: 13,
    side: "response",
    wire: [
      `02 ${TOPIC_ID_WIRE}`,
      // Partition 0: NOT_LEADER_OR_FOLLOWER, no offset, no append time, no start, no record errors,
      // no message.
      "02 00000000 0006 ffffffffffffffff ffffffffffffffff ffffffffffffffff 01 00",
      // Tag 0: leader 2 of epoch 9, itself a struct with an empty tagged section.
      "01 00 09 00000002 00000009 00",
      // End of the topic, throttle time.
      "00 00000000",
      // Tag 0: the leader's endpoint, without a rack.
      "01 00 0d 02 00000002 0268 00002384 00 00",
    ],
    value: {
      responses: [
        {
          name: "",
          topicId: TOPIC_ID,
          partitionResponses: [
            {
              index: 0,
              errorCode: 6,
              baseOffset: -1,
              logAppendTimeMs: -1,
              logStartOffset: -1,
              recordErrors: [],
              errorMessage: null,
              currentLeader: { leaderId: 2, leaderEpoch: 9 },
            },
          ],
        },
      ],
      throttleTimeMs: 0,
      nodeEndpoints: [{ nodeId: 2, host: "h", port: 9092, rack: null }],
    },
  },
  {
    api: Fetch,
    version: 4,
    side: "response",
    wire: [
      "00000000",
      "00000001 0001 74 00000001",
      "00000000 0000 000000000000000a 0000000000000009",
      "00000001 0000000000000007 0000000000000003",
      "ffffffff",
    ],
    value: {
      responses: [
        {
          topic: "t",
          partitions: [
            {
              partitionIndex: 0,
              errorCode: 0,
              highWatermark: 10,
              lastStableOffset: 9,
              abortedTransactions: [{ producerId: 7, firstOffset: 3 }],
              records: null,
            },
          ],
        },
      ],
    },
    decoded: {
      throttleTimeMs: 0,
      errorCode: 0,
      sessionId: 0,
      responses: [
        {
          topic: "t",
          topicId: ZERO_UUID,
          partitions: [
            {
              partitionIndex: 0,
              errorCode: 0,
              highWatermark: 10,
              lastStableOffset: 9,
              logStartOffset: -1,
              divergingEpoch: { epoch: -1, endOffset: -1 },
              currentLeader: { leaderId: -1, leaderEpoch: -1 },
              snapshotId: { endOffset: -1, epoch: -1 },
              resumeOffset: -1,
              abortedTransactions: [{ producerId: 7, firstOffset: 3 }],
              preferredReadReplica: -1,
              records: null,
            },
          ],
        },
      ],
      nodeEndpoints: [],
    },
  },
  {
    api: ListOffsets,
    version: 1,
    side: "request",
    wire: ["ffffffff", "00000001 0001 74 00000001", "00000003 7fffffffffffffff"],
    value: {
      replicaId: -1,
      topics: [{ name: "t", partitions: [{ partitionIndex: 3, timestamp: 2n ** 63n - 1n }] }],
    },
    decoded: {
      replicaId: -1,
      isolationLevel: 0,
      topics: [
        {
          name: "t",
          partitions: [{ partitionIndex: 3, currentLeaderEpoch: -1, timestamp: 2n ** 63n - 1n }],
        },
      ],
      timeoutMs: 0,
    },
  },
  {
    api: InitProducerId,
    version: 2,
    side: "response",
    wire: ["00000000", "0000", "00000000000003e8", "0000", "00"],
    value: { throttleTimeMs: 0, errorCode: 0, producerId: 1000, producerEpoch: 0 },
  },
  {
    api: CreateTopics,
    version: 5,
    side: "response",
    wire: [
      "00000000",
      // Topic t is refused; counts are unknown; no configs at all, which compact arrays say with 0.
      "02 0274 0000 00 ffffffff ffff 00",
      // Tag 0: why the configs are missing.
      "01 00 02 001d",
      "00",
    ],
    value: {
      throttleTimeMs: 0,
      topics: [
        {
          name: "t",
          topicId: ZERO_UUID,
          errorCode: 0,
          errorMessage: null,
          topicConfigErrorCode: 29,
          numPartitions: -1,
          replicationFactor: -1,
          configs: null,
        },
      ],
    },
  },
  {
    api: DescribeTopicPartitions,
    version: 0,
    side: "request",
    // A struct that may be null has a byte before it: 01 when it is there, ff when it is not.
    wire: ["02 0274 00", "000007d0", "01 0274 00000005 00", "00"],
    value: {
      topics: [{ name: "t" }],
      responsePartitionLimit: 2000,
      cursor: { topicName: "t", partitionIndex: 5 },
    },
  },
  {
    api: ConsumerGroupHeartbeat,
    version: 0,
    side: "response",
    wire: ["00000000", "0000", "00", "026d", "00000001", "00001388", "ff", "00"],
    value: {
      throttleTimeMs: 0,
      errorCode: 0,
      errorMessage: null,
      memberId: "m",
      memberEpoch: 1,
      heartbeatIntervalMs: 5000,
      assignment: null,
    },
  },
];

test.each(
  goldens.map(
    (golden) => [`${golden.api.name} ${golden.side} v${golden.version}`, golden] as const,
  ),
)("%s", (_, { api, version, side, wire, value, decoded }) => {
  const codec = codecOf(api, version);
  const bytes = Uint8Array.from(Buffer.from(wire.join("").replaceAll(" ", ""), "hex"));
  const writer = new Writer();
  if (side === "request") codec.writeRequest(writer, value);
  else codec.writeResponse(writer, value);
  expect(Buffer.from(writer.join()).toString("hex")).toBe(Buffer.from(bytes).toString("hex"));
  const reader = new Reader(bytes);
  const back = side === "request" ? codec.readRequest(reader) : codec.readResponse(reader);
  reader.assertEnd();
  expect(back).toEqual(decoded ?? value);
});
