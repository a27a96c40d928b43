import { DescribeCluster, ErrorCode, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { brokerNodes } from "../metadata/descriptions.ts";
import { refused } from "../metadata/outcome.ts";
import { NOT_ASKED } from "../security/authorized-operations.ts";
import { clusterOperations } from "./allowed.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * DescribeCluster: v0-2.
 * v0 flexible (KIP-700) · v1 endpoint type (KIP-919) · v2 fenced brokers on request.
 * A request for controllers is answered with MISMATCHED_ENDPOINT_TYPE, as by Kafka's brokers.
 */
export const describeCluster = handler({
  api: DescribeCluster,
  versions: "0-2",
  authorize: [],
  handle,
  failure,
});

type Request = RequestOf<typeof DescribeCluster>;
type Response = ResponseInput<typeof DescribeCluster>;

const BROKERS = 1;
const CONTROLLERS = 2;

function handle(request: Request, context: RequestContext): Response {
  const { endpointType, includeFencedBrokers, includeClusterAuthorizedOperations } = request;
  if (endpointType !== BROKERS) {
    const { MISMATCHED_ENDPOINT_TYPE, UNSUPPORTED_ENDPOINT_TYPE } = ErrorCode;
    const known = endpointType === CONTROLLERS;
    return failure(request, known ? MISMATCHED_ENDPOINT_TYPE : UNSUPPORTED_ENDPOINT_TYPE, context);
  }
  const { services, connection } = context;
  const brokers = brokerNodes(services, connection, { fenced: includeFencedBrokers });
  return {
    errorCode: ErrorCode.NONE,
    endpointType,
    clusterId: services.metadata.clusterId,
    controllerId: services.metadata.controllerId,
    brokers: brokers.map(({ id, host, port, rack, fenced }) => {
      return { brokerId: id, host, port, rack, isFenced: fenced };
    }),
    clusterAuthorizedOperations: includeClusterAuthorizedOperations
      ? clusterOperations(context)
      : NOT_ASKED,
  };
}

function failure(request: Request, errorCode: number, { services }: RequestContext): Response {
  const { endpointType } = request;
  const { clusterId } = services.metadata;
  return { ...refused(errorCode), endpointType, clusterId, brokers: [] };
}
