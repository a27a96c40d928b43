import { AlterPartitionReassignments, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { refused, type TopicOutcomes } from "../metadata/outcome.ts";
import { onCluster } from "../security/permission.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * AlterPartitionReassignments: v0-1.
 * v0 flexible (KIP-455) · v1 a change of the replication factor can be forbidden (KIP-860).
 * Answered when the reassignment has begun; ListPartitionReassignments shows its progress. Unlike
 * in Kafka, a partition can't be moved to a broker that is down.
 */
export const alterPartitionReassignments = handler({
  api: AlterPartitionReassignments,
  versions: "0-1",
  authorize: [onCluster("alter")],
  handle,
  failure,
});

type Request = RequestOf<typeof AlterPartitionReassignments>;
type Response = ResponseInput<typeof AlterPartitionReassignments>;

async function handle(request: Request, { services }: RequestContext): Promise<Response> {
  const { timeoutMs, allowReplicationFactorChange, topics } = request;
  const asked = { topics, timeoutMs, allowReplicationFactorChange };
  const answer = await services.metadata.controller.alterReassignments(asked);
  const { errorCode, errorMessage } = answer;
  const responses = answer.topics.map(topicPart);
  return { allowReplicationFactorChange, errorCode, errorMessage, responses };
}

function topicPart({ name, partitions }: TopicOutcomes) {
  return {
    name,
    partitions: partitions.map(({ partition, errorCode, errorMessage }) => {
      return { partitionIndex: partition, errorCode, errorMessage };
    }),
  };
}

function failure(_request: Request, errorCode: number): Response {
  return { ...refused(errorCode), responses: [] };
}
