import { ListPartitionReassignments, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { refused } from "../metadata/outcome.ts";
import type { TopicReassignments } from "../metadata/reassignment.ts";
import { onCluster } from "../security/permission.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * ListPartitionReassignments: v0, flexible (KIP-455).
 * Leaves out partitions that do not exist or are not being reassigned.
 */
export const listPartitionReassignments = handler({
  api: ListPartitionReassignments,
  versions: "0",
  authorize: [onCluster("describe")],
  handle,
  failure,
});

type Request = RequestOf<typeof ListPartitionReassignments>;
type Response = ResponseInput<typeof ListPartitionReassignments>;

async function handle(request: Request, { services }: RequestContext): Promise<Response> {
  const answer = await services.metadata.controller.listReassignments({ topics: request.topics });
  const { errorCode, errorMessage } = answer;
  return { errorCode, errorMessage, topics: answer.topics.map(topicPart) };
}

function topicPart({ name, partitions }: TopicReassignments) {
  return {
    name,
    partitions: partitions.map(({ partition, replicas, adding, removing }) => ({
      partitionIndex: partition,
      replicas,
      addingReplicas: adding,
      removingReplicas: removing,
    })),
  };
}

function failure(_request: Request, errorCode: number): Response {
  return { ...refused(errorCode), topics: [] };
}
