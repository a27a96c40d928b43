/**
 * DescribeQuorum, versions 0-2.
 *
 * - v0: baseline, flexible (KIP-595)
 * - v1: times of each replica's last fetch and catch-up (KIP-836)
 * - v2: error messages, endpoints, directory ids (KIP-853)
 */
import { api, array, i16, i32, offset, string, u16, uuid } from "../schema.ts";

const replicaState = {
  replicaId: i32,
  replicaDirectoryId: uuid.in("2+"),
  logEndOffset: offset,
  lastFetchTimestamp: offset.default(-1).in("1+"),
  lastCaughtUpTimestamp: offset.default(-1).in("1+"),
};

export const DescribeQuorum = api({
  key: 55,
  name: "DescribeQuorum",
  versions: "0-2",
  flexible: "0+",
  request: {
    topics: array({
      topicName: string,
      partitions: array({
        partitionIndex: i32,
      }),
    }),
  },
  response: {
    errorCode: i16,
    errorMessage: string.nullable().in("2+"),
    topics: array({
      topicName: string,
      partitions: array({
        partitionIndex: i32,
        errorCode: i16,
        errorMessage: string.nullable().in("2+"),
        leaderId: i32,
        leaderEpoch: i32,
        highWatermark: offset,
        currentVoters: array(replicaState),
        observers: array(replicaState),
      }),
    }),
    nodes: array({
      nodeId: i32,
      listeners: array({
        name: string,
        host: string,
        port: u16,
      }),
    }).in("2+"),
  },
});
