import { DeleteGroups, ErrorCode, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { deleteGroup } from "../groups/operations/delete-group.ts";
import { DONE, type Outcome, refused } from "../metadata/outcome.ts";
import { onEach } from "../security/permission.ts";
import { KafkaError } from "../util/kafka-error.ts";
import { allows } from "./allowed.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * DeleteGroups: v0-3.
 * v2 flexible · v3 error messages (KIP-1331). Deletes the group's offsets, too. A group with
 * members: NON_EMPTY_GROUP.
 */
export const deleteGroups = handler({
  api: DeleteGroups,
  versions: "0-3",
  authorize: [onEach("delete", "group")],
  handle,
  failure,
});

type Request = RequestOf<typeof DeleteGroups>;
type Response = ResponseInput<typeof DeleteGroups>;

async function handle({ groupsNames }: Request, context: RequestContext): Promise<Response> {
  const groupIds = [...new Set(groupsNames)];
  const deletions = groupIds.map(async (groupId) => {
    return { groupId, ...(await deleteOne(context, groupId)) };
  });
  return { results: await Promise.all(deletions) };
}

/** When a coordinator is unavailable, only its own groups get an error. */
async function deleteOne(context: RequestContext, groupId: string): Promise<Outcome> {
  if (!allows(context, "delete", "group", groupId)) {
    return refused(ErrorCode.GROUP_AUTHORIZATION_FAILED);
  }
  const { services } = context;
  try {
    const errorCode = await services.groups.run(groupId, deleteGroup(groupId));
    return errorCode === ErrorCode.NONE ? DONE : refused(errorCode);
  } catch (error) {
    if (error instanceof KafkaError) return refused(error.errorCode, error.message);
    throw error;
  }
}

function failure({ groupsNames }: Request, errorCode: number): Response {
  return { results: groupsNames.map((groupId) => ({ groupId, ...refused(errorCode) })) };
}
