import { JoinGroup, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { joinGroup } from "../groups/operations/classic-join.ts";
import { onGroup } from "../security/permission.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * JoinGroup: v0-9.
 * v1 rebalance time-out · v4 MEMBER_ID_REQUIRED (KIP-394) · v5 static members (KIP-345) ·
 * v6 flexible · v7 protocol type in the answer · v8 reason (logged) · v9 skip the assignment
 * (KIP-814). Answered when the group's join phase ends.
 */
export const join = handler({
  api: JoinGroup,
  versions: "0-9",
  lane: "group",
  authorize: [onGroup("read")],
  handle,
  failure,
});

type Request = RequestOf<typeof JoinGroup>;
type Response = ResponseInput<typeof JoinGroup>;

async function handle(request: Request, context: RequestContext): Promise<Response> {
  const { services, connection, version, clientId } = context;
  const clientHost = `/${connection.remoteAddress}`;
  const join = { request, version, clientId: clientId ?? "", clientHost };
  const answer = await services.groups.run(request.groupId, joinGroup(join));
  return withProtocolName(answer, version);
}

function failure(request: Request, errorCode: number, { version }: RequestContext): Response {
  const { memberId } = request;
  const refused = { errorCode, protocolName: null, leader: "", memberId, members: [] };
  return withProtocolName(refused, version);
}

/** Below v7 the name can't be null: no protocol is an empty name. */
function withProtocolName(answer: Response, version: number): Response {
  return version >= 7 || answer.protocolName !== null ? answer : { ...answer, protocolName: "" };
}
