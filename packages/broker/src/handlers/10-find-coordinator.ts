import { ErrorCode, FindCoordinator, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { brokerNodes } from "../metadata/descriptions.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * FindCoordinator: v0-6.
 * v1 key type · v3 flexible · v4 several keys at once (KIP-699) · v6 share coordinator (KIP-932).
 * `__consumer_offsets` is made when the first group is asked for. Not done: transactions (15) and
 * share groups (42): there is no coordinator of those.
 */
export const findCoordinator = handler(FindCoordinator, "0-6", run, { failure });

type Request = RequestOf<typeof FindCoordinator>;
type Response = ResponseInput<typeof FindCoordinator>;

const GROUP = 0;
const TRANSACTION = 1;
const NOWHERE = { nodeId: -1, host: "", port: -1 };

async function run(request: Request, context: RequestContext): Promise<Response> {
  const { broker, connection } = context;
  if (request.keyType !== GROUP) {
    if (request.keyType !== TRANSACTION) return failure(request, ErrorCode.INVALID_REQUEST);
    const why = "this broker serves no transactions yet";
    return answer(request, {
      ...NOWHERE,
      errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE,
      errorMessage: why,
    });
  }
  const errorCode = await broker.groups.ensureTopic();
  if (errorCode !== ErrorCode.NONE) return failure(request, ErrorCode.COORDINATOR_NOT_AVAILABLE);
  // One broker leads every partition, so it coordinates every group.
  const { nodeId } = broker.metadata;
  const { host, port } = brokerNodes(broker, connection).find(({ id }) => id === nodeId)!;
  return answer(request, { nodeId, host, port, errorCode: ErrorCode.NONE, errorMessage: null });
}

function failure(request: Request, errorCode: number): Response {
  return answer(request, { ...NOWHERE, errorCode, errorMessage: null });
}

interface Found {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

function answer(request: Request, found: Found): Response {
  const coordinators = request.coordinatorKeys.map((key) => ({ key, ...found }));
  return { ...found, coordinators };
}
