import { ErrorCode, FindCoordinator, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { type BrokerNode, brokerNodes } from "../metadata/descriptions.ts";
import { refused } from "../metadata/outcome.ts";
import { DENIED, onEach } from "../security/permission.ts";
import { allows } from "./allowed.ts";
import { handler, type RequestContext, type Services } from "./handler.ts";

/**
 * FindCoordinator: v0-6. v1 key type · v3 flexible · v4 several keys at once (KIP-699) · v6 share
 * coordinator (KIP-932). The coordinator of a group is the leader of its partition of
 * `__consumer_offsets`, that of a transactional id of its partition of `__transaction_state`; the
 * first request creates the topic. Not done: share groups (42).
 */
export const findCoordinator = handler({
  api: FindCoordinator,
  versions: "0-6",
  authorize: [onEach("describe", "group"), onEach("describe", "transactionalId")],
  handle,
  failure,
});

type Request = RequestOf<typeof FindCoordinator>;
type Response = ResponseInput<typeof FindCoordinator>;

const GROUP = 0;
const TRANSACTION = 1;
/** The first version with several keys. */
const KEYS_SINCE = 4;
const NO_NODE = { nodeId: -1, host: "", port: -1 };

async function handle(request: Request, context: RequestContext): Promise<Response> {
  const { services, connection, version } = context;
  const coordinators = coordinatorsOf(request.keyType, services);
  if (coordinators === null) return failure(request, ErrorCode.INVALID_REQUEST);
  const type = request.keyType === GROUP ? "group" : "transactionalId";
  const denied = { ...NO_NODE, ...refused(DENIED[type]) };
  const keys = version >= KEYS_SINCE ? request.coordinatorKeys : [request.key];
  const deniedKeys = new Set(keys.filter((key) => !allows(context, "describe", type, key)));
  if (keys.length > 0 && keys.every((key) => deniedKeys.has(key))) return answer(request, denied);
  const errorCode = await coordinators.ensureTopic();
  const isMissing = errorCode !== ErrorCode.NONE;
  const missing = { ...NO_NODE, ...refused(ErrorCode.COORDINATOR_NOT_AVAILABLE) };
  const nodes = brokerNodes(services, connection);
  // An error while the coordinator is down, or its partition has no leader.
  return answerEach(request, (key) => {
    if (deniedKeys.has(key)) return denied;
    if (isMissing) return missing;
    const leader = coordinators.coordinatorOf(key);
    return found(nodes.find(({ id }) => id === leader));
  });
}

function coordinatorsOf(keyType: number, { groups, transactions }: Services) {
  if (keyType === GROUP) return groups;
  return keyType === TRANSACTION ? transactions : null;
}

function found(node: BrokerNode | undefined): Found {
  if (node === undefined) {
    const why = "no running broker is the coordinator now: try again";
    const errorCode = ErrorCode.COORDINATOR_NOT_AVAILABLE;
    return { ...NO_NODE, errorCode, errorMessage: why };
  }
  const { id: nodeId, host, port } = node;
  return { nodeId, host, port, errorCode: ErrorCode.NONE, errorMessage: null };
}

function failure(request: Request, errorCode: number): Response {
  return answer(request, { ...NO_NODE, ...refused(errorCode) });
}

interface Found {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

function answer(request: Request, found: Found): Response {
  return answerEach(request, () => found);
}

/** Up to version 3 the request has one key, and the coordinator's fields are in the response. */
function answerEach(request: Request, find: (key: string) => Found): Response {
  const coordinators = request.coordinatorKeys.map((key) => ({ key, ...find(key) }));
  return { ...find(request.key), coordinators };
}
