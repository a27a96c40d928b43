import { LeaveGroup, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import type { LeavingMember } from "../groups/model/classic/requests.ts";
import { leaveGroup } from "../groups/operations/classic-leave.ts";
import { onGroup } from "../security/permission.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * LeaveGroup: v0-5.
 * v3 several members, each with an error of its own (KIP-345) · v4 flexible · v5 reason (logged).
 */
export const leave = handler({
  api: LeaveGroup,
  versions: "0-5",
  lane: "group",
  authorize: [onGroup("read")],
  handle,
  failure,
});

type Request = RequestOf<typeof LeaveGroup>;
type Response = ResponseInput<typeof LeaveGroup>;

/** The first version that names several members. */
const BATCH_VERSION = 3;

async function handle(request: Request, { services, version }: RequestContext): Promise<Response> {
  const { groupId } = request;
  const single = version < BATCH_VERSION;
  const members: readonly LeavingMember[] = single
    ? [{ memberId: request.memberId, groupInstanceId: null }]
    : request.members;
  const { errorCode, memberErrors } = await services.groups.run(
    groupId,
    leaveGroup(groupId, members),
  );
  if (single) return { errorCode: memberErrors[0] ?? errorCode, members: [] };
  return {
    errorCode,
    members: memberErrors.map((errorCode, i) => {
      const { memberId, groupInstanceId } = members[i]!;
      return { memberId, groupInstanceId, errorCode };
    }),
  };
}

function failure(_request: Request, errorCode: number): Response {
  return { errorCode, members: [] };
}
