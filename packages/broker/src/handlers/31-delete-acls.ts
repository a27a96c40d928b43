import { DeleteAcls, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { DONE, refused } from "../metadata/outcome.ts";
import { onCluster } from "../security/permission.ts";
import { NO_AUTHORIZER, refuseUnknown } from "./acl-requests.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * DeleteAcls: v1-3.
 * v2 flexible · v3 resources of type user (KIP-373).
 * Without an authorizer each filter is answered with SECURITY_DISABLED (54). A filter with a number
 * that Kafka does not know is answered with INVALID_REQUEST; one with Kafka's UNKNOWN, 0, refuses
 * the request, where Kafka closes the connection.
 */
export const deleteAcls = handler({
  api: DeleteAcls,
  versions: "1-3",
  authorize: [onCluster("alter")],
  handle,
  failure,
});

type Request = RequestOf<typeof DeleteAcls>;
type Response = ResponseInput<typeof DeleteAcls>;

async function handle(request: Request, { services }: RequestContext): Promise<Response> {
  if (!services.authorizer.hasAcls) {
    return { filterResults: request.filters.map(() => ({ ...NO_AUTHORIZER, matchingAcls: [] })) };
  }
  for (const one of request.filters) {
    refuseUnknown(one.resourceTypeFilter, one.patternTypeFilter, one);
  }
  const filters = request.filters.map((filter) => ({
    resourceType: filter.resourceTypeFilter,
    resourceName: filter.resourceNameFilter,
    patternType: filter.patternTypeFilter,
    principal: filter.principalFilter,
    host: filter.hostFilter,
    operation: filter.operation,
    permissionType: filter.permissionType,
  }));
  const { results } = await services.metadata.controller.deleteAcls({ filters });
  return {
    filterResults: results.map(({ acls, ...outcome }) => {
      return { ...outcome, matchingAcls: acls.map((acl) => ({ ...DONE, ...acl })) };
    }),
  };
}

function failure({ filters }: Request, errorCode: number): Response {
  const failed = { ...refused(errorCode), matchingAcls: [] };
  return { filterResults: filters.map(() => failed) };
}
