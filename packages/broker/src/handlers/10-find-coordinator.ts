import { ErrorCode, FindCoordinator, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { partitionOf } from "../coordinator/partition-of.ts";
import { type BrokerNode, brokerNodes } from "../metadata/descriptions.ts";
import type { MetadataImage } from "../metadata/image.ts";
import { refused } from "../metadata/outcome.ts";
import { CONSUMER_OFFSETS_TOPIC } from "../metadata/topic-names.ts";
import { onEach } from "../security/permission.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * FindCoordinator: v0-6. v1 key type · v3 flexible · v4 several keys at once (KIP-699) · v6 share
 * coordinator (KIP-932). A group's coordinator is the leader of its partition of
 * `__consumer_offsets`, a topic that the first request creates. Not done: share groups (42), and
 * transactions. For a transactional id it names this broker, whose InitProducerId tells the client
 * that transactions are not served. With an error here clients would ask again until their time-out
 * and not learn the reason.
 */
export const findCoordinator = handler({
  api: FindCoordinator,
  versions: "0-6",
  authorize: [onEach("describe", "group")],
  handle,
  failure,
});

type Request = RequestOf<typeof FindCoordinator>;
type Response = ResponseInput<typeof FindCoordinator>;

const GROUP = 0;
const TRANSACTION = 1;
const NO_NODE = { nodeId: -1, host: "", port: -1 };

async function handle(request: Request, context: RequestContext): Promise<Response> {
  const { services, connection } = context;
  if (request.keyType !== GROUP) {
    if (request.keyType !== TRANSACTION) return failure(request, ErrorCode.INVALID_REQUEST);
    const own = brokerNodes(services, connection).find(({ id }) => id === services.settings.nodeId);
    return answer(request, found(own));
  }
  const errorCode = await services.groups.ensureTopic();
  if (errorCode !== ErrorCode.NONE) return failure(request, ErrorCode.COORDINATOR_NOT_AVAILABLE);
  const { image } = services.metadata;
  const nodes = brokerNodes(services, connection);
  return answerEach(request, (group) => coordinatorOf(group, image, nodes));
}

/** The leader of the group's partition; an error while it is down or there is no leader. */
function coordinatorOf(group: string, image: MetadataImage, nodes: readonly BrokerNode[]): Found {
  const partitions = image.topics.get(CONSUMER_OFFSETS_TOPIC)?.partitions ?? [];
  const leader = partitions[partitionOf(group, partitions.length)]?.leader;
  return found(nodes.find(({ id }) => id === leader));
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
