import { ElectLeaders, ErrorCode, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { refused, type TopicOutcomes } from "../metadata/outcome.ts";
import { onCluster } from "../security/permission.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * ElectLeaders: v0-2.
 * v0 preferred leaders only · v1 election types, an error for the whole answer (KIP-460) · v2
 * flexible.
 * A request for all partitions gets no results for those that need no election. An unclean election
 * finds a leader while any broker is up, and loses no record: every broker reaches the log.
 */
export const electLeaders = handler({
  api: ElectLeaders,
  versions: "0-2",
  authorize: [onCluster("alter")],
  handle,
  failure,
});

type Request = RequestOf<typeof ElectLeaders>;
type Response = ResponseInput<typeof ElectLeaders>;

const ERROR_OF_ALL_SINCE = 1;

async function handle(request: Request, context: RequestContext): Promise<Response> {
  const { electionType: type, topicPartitions: partitions, timeoutMs } = request;
  const { controller } = context.services.metadata;
  const { errorCode, topics } = await controller.electLeaders({ type, partitions, timeoutMs });
  if (errorCode !== ErrorCode.NONE) return failure(request, errorCode, context);
  return { errorCode, replicaElectionResults: topics.map(resultPart) };
}

function resultPart({ name, partitions }: TopicOutcomes) {
  return {
    topic: name,
    partitionResult: partitions.map(({ partition, errorCode, errorMessage }) => {
      return { partitionId: partition, errorCode, errorMessage };
    }),
  };
}

/** In version 0 only partitions have an error code. */
function failure(request: Request, errorCode: number, { version }: RequestContext): Response {
  const named = version < ERROR_OF_ALL_SINCE ? (request.topicPartitions ?? []) : [];
  const replicaElectionResults = named.map(({ topic, partitions }) => ({
    topic,
    partitionResult: partitions.map((partitionId) => {
      return { partitionId, ...refused(errorCode) };
    }),
  }));
  return { errorCode, replicaElectionResults };
}
