import {
  DescribeQuorum,
  ErrorCode,
  type RequestOf,
  type ResponseInput,
  ZERO_UUID,
} from "@tarpan/protocol";
import { brokerNodes } from "../metadata/descriptions.ts";
import { DONE, refused } from "../metadata/outcome.ts";
import type { Quorum, QuorumReplica } from "../metadata/quorum.ts";
import { CLUSTER_METADATA_TOPIC } from "../metadata/topic-names.ts";
import { onCluster } from "../security/permission.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * DescribeQuorum: v0-2.
 * v0 flexible (KIP-595) · v1 times of each replica (KIP-836) · v2 messages, endpoints (KIP-853).
 * Describes only partition 0 of `__cluster_metadata`, as in Kafka. Brokers are the controllers
 * here, so the endpoints are those of brokers. Not done: directory ids, which are all zero.
 */
export const describeQuorum = handler({
  api: DescribeQuorum,
  versions: "0-2",
  authorize: [onCluster("describe")],
  handle,
  failure,
});

type Request = RequestOf<typeof DescribeQuorum>;
type Response = ResponseInput<typeof DescribeQuorum>;

async function handle(request: Request, context: RequestContext): Promise<Response> {
  if (!asksForMetadata(request)) return unknownPartitions(request);
  const { services, connection } = context;
  const quorum = await services.metadata.controller.describeQuorum({});
  const members = new Set([...quorum.voters, ...quorum.observers].map(({ id }) => id));
  const nodes = brokerNodes(services, connection).filter(({ id }) => members.has(id));
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    topics: [{ topicName: CLUSTER_METADATA_TOPIC, partitions: [partitionPart(quorum)] }],
    nodes: nodes.map(({ id, host, port }) => {
      return { nodeId: id, listeners: [{ name: connection.listener, host, port }] };
    }),
  };
}

function asksForMetadata({ topics: [topic, ...others] }: Request): boolean {
  if (topic?.topicName !== CLUSTER_METADATA_TOPIC || others.length > 0) return false;
  return topic.partitions.length === 1 && topic.partitions[0]!.partitionIndex === 0;
}

function partitionPart({ leaderId, leaderEpoch, highWatermark, voters, observers }: Quorum) {
  return {
    partitionIndex: 0,
    ...(leaderId < 0 ? refused(ErrorCode.LEADER_NOT_AVAILABLE) : DONE),
    leaderId,
    leaderEpoch,
    highWatermark,
    currentVoters: voters.map(replicaPart),
    observers: observers.map(replicaPart),
  };
}

function replicaPart({ id, logEndOffset, lastFetchMs, lastCaughtUpMs }: QuorumReplica) {
  return {
    replicaId: id,
    replicaDirectoryId: ZERO_UUID,
    logEndOffset,
    lastFetchTimestamp: lastFetchMs,
    lastCaughtUpTimestamp: lastCaughtUpMs,
  };
}

function unknownPartitions({ topics }: Request): Response {
  const nothing = { leaderId: -1, leaderEpoch: -1, highWatermark: -1 };
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    topics: topics.map(({ topicName, partitions }) => ({
      topicName,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        ...refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        ...nothing,
        currentVoters: [],
        observers: [],
      })),
    })),
    nodes: [],
  };
}

function failure(_request: Request, errorCode: number): Response {
  return { ...refused(errorCode), topics: [], nodes: [] };
}
