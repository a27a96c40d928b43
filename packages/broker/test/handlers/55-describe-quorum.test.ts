import { DescribeQuorum, ErrorCode } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { cluster } from "../metadata/cluster.ts";
import { clusterBroker, QUORUM } from "./cluster-broker.ts";
import { WholeBroker } from "./whole-broker.ts";

function describe(broker: WholeBroker, version: number, ...asked: [string, ...number[]][]) {
  const topics = asked.map(([topicName, ...partitions]) => ({
    topicName,
    partitions: partitions.map((partitionIndex) => ({ partitionIndex })),
  }));
  return broker.call(DescribeQuorum, version, { topics });
}

it("DescribeQuorum lists the leader, voters and observers, at every version", async () => {
  const broker = await clusterBroker(cluster([1, 2, 3]));
  for (const version of [0, 1, 2]) {
    const { errorCode, topics, nodes } = await describe(broker, version, ["__cluster_metadata", 0]);
    expect(errorCode).toBe(0);
    expect(topics).toMatchObject([{ topicName: "__cluster_metadata" }]);
    const [partition] = topics[0]!.partitions;
    expect(partition).toMatchObject({ errorCode: 0, partitionIndex: 0, leaderId: 2 });
    expect(partition).toMatchObject({ leaderEpoch: 5, highWatermark: 40 });
    const [voter] = partition!.currentVoters;
    expect(voter).toMatchObject({ replicaId: 1, logEndOffset: 39 });
    expect(voter!.lastCaughtUpTimestamp).toBe(version >= 1 ? 900 : -1);
    expect(partition!.observers).toMatchObject([{ replicaId: 3, logEndOffset: 12 }]);
    if (version < 2) continue;
    expect(nodes.map(({ nodeId, listeners: [one] }) => [nodeId, one!.port])).toEqual([
      [1, 19092],
      [2, 9092],
    ]);
  }
});

it("DescribeQuorum of a single broker names that broker and the end of its log", async () => {
  const broker = await WholeBroker.start();
  const { topics } = await describe(broker, 2, ["__cluster_metadata", 0]);
  const end = broker.metadata.endOffset;
  expect(end).toBeGreaterThan(0);
  const self = { replicaId: 1, logEndOffset: end, lastFetchTimestamp: 1_700_000_000_000 };
  const found = { leaderId: 1, highWatermark: end, currentVoters: [self], observers: [] };
  expect(topics[0]!.partitions[0]).toMatchObject(found);
});

it("DescribeQuorum refuses other partitions, and answers an error without a leader", async () => {
  const broker = await WholeBroker.start();
  const unknown: [string, ...number[]][][] = [
    [["t", 0]],
    [["__cluster_metadata", 1]],
    [["__cluster_metadata", 0, 1]],
    [
      ["__cluster_metadata", 0],
      ["t", 0],
    ],
  ];
  for (const asked of unknown) {
    const { errorCode, topics } = await describe(broker, 2, ...asked);
    expect(errorCode).toBe(0);
    const codes = topics.flatMap(({ partitions }) => partitions.map((one) => one.errorCode));
    expect(new Set(codes)).toEqual(new Set([ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]));
  }
  const leaderless = await clusterBroker(cluster([1]), { ...QUORUM, leaderId: -1 });
  const { topics } = await describe(leaderless, 0, ["__cluster_metadata", 0]);
  expect(topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.LEADER_NOT_AVAILABLE);
});
