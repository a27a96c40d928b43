import { ErrorCode, type RequestOf, type ResponseInput, SyncGroup } from "@tarpan/protocol";
import { syncGroup } from "../groups/operations/classic-sync.ts";
import { onGroup } from "../security/permission.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * SyncGroup: v0-5.
 * v3 static members (KIP-345) · v4 flexible · v5 protocol type and name, both required (KIP-559).
 * Answered when the leader has sent the assignments and they are recorded.
 */
export const sync = handler({
  api: SyncGroup,
  versions: "0-5",
  lane: "group",
  authorize: [onGroup("read")],
  handle,
  failure,
});

type Request = RequestOf<typeof SyncGroup>;
type Response = ResponseInput<typeof SyncGroup>;

const PROTOCOL_VERSION = 5;

function handle(
  request: Request,
  { services, version }: RequestContext,
): Response | Promise<Response> {
  const unnamed = request.protocolType === null || request.protocolName === null;
  if (version >= PROTOCOL_VERSION && unnamed) {
    return failure(request, ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  }
  return services.groups.run(request.groupId, syncGroup(request));
}

function failure(_request: Request, errorCode: number): Response {
  return { errorCode, assignment: new Uint8Array(0) };
}
