import { ErrorCode, ListGroups, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { listGroups as list } from "../groups/operations/list-groups.ts";
import { onEach } from "../security/permission.ts";
import { couldDo, couldDoOnCluster } from "./allowed.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * ListGroups: v0-5.
 * v3 flexible · v4 states, also as a filter (KIP-518) · v5 types, also as a filter (KIP-848). Lists
 * all groups or none: waits for shards that are being loaded, and answers
 * COORDINATOR_LOAD_IN_PROGRESS when that takes longer than COORDINATOR_WAIT_MS. Leaves out groups
 * that the client may not describe, unless it may describe the cluster.
 */
export const listGroups = handler({
  api: ListGroups,
  versions: "0-5",
  authorize: [onEach("describe", "group")],
  handle,
  failure,
});

type Request = RequestOf<typeof ListGroups>;
type Response = ResponseInput<typeof ListGroups>;

async function handle(request: Request, context: RequestContext): Promise<Response> {
  const groups = (await context.services.groups.runOnAll(list(request))).flat();
  const isListed = ({ groupId }: { readonly groupId: string }) =>
    couldDo(context, "describe", "group", groupId);
  const listed = couldDoOnCluster(context, "describe") ? groups : groups.filter(isListed);
  return { errorCode: ErrorCode.NONE, groups: listed };
}

function failure(_request: Request, errorCode: number): Response {
  return { errorCode, groups: [] };
}
