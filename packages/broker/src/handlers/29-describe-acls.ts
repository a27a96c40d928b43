import { DescribeAcls, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { visitAclsOf } from "../metadata/acls-of-filters.ts";
import { refused } from "../metadata/outcome.ts";
import { onCluster } from "../security/permission.ts";
import { nextTurnOf } from "../util/next-turn.ts";
import { NO_AUTHORIZER, refuseUnknown } from "./acl-requests.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * DescribeAcls: v1-3.
 * v2 flexible · v3 resources of type user (KIP-373).
 * Without an authorizer: SECURITY_DISABLED (54), which tools like MirrorMaker 2 take as "no ACLs".
 * A filter with a number that Kafka does not know finds nothing; with Kafka's UNKNOWN, 0, it is
 * answered with INVALID_REQUEST, where Kafka closes the connection.
 */
export const describeAcls = handler({
  api: DescribeAcls,
  versions: "1-3",
  authorize: [onCluster("describe")],
  handle,
  failure,
});

type Request = RequestOf<typeof DescribeAcls>;
type Response = ResponseInput<typeof DescribeAcls>;
type Resource = Response["resources"][number];

async function handle(request: Request, { services }: RequestContext): Promise<Response> {
  if (!services.authorizer.hasAcls) return { ...NO_AUTHORIZER, resources: [] };
  refuseUnknown(request.resourceTypeFilter, request.patternTypeFilter, request);
  const filter = {
    resourceType: request.resourceTypeFilter,
    resourceName: request.resourceNameFilter,
    patternType: request.patternTypeFilter,
    principal: request.principalFilter,
    host: request.hostFilter,
    operation: request.operation,
    permissionType: request.permissionType,
  };
  const resources = new Map<string, Resource & { readonly acls: Resource["acls"][number][] }>();
  const nextTurn = nextTurnOf(services.env.timers);
  await visitAclsOf(services.metadata.image, [filter], nextTurn, (acl) => {
    const { resourceType, resourceName, patternType, ...entry } = acl;
    const key = `${resourceType} ${patternType} ${resourceName}`;
    const known = resources.get(key);
    if (known !== undefined) known.acls.push(entry);
    else resources.set(key, { resourceType, resourceName, patternType, acls: [entry] });
  });
  return { errorCode: 0, errorMessage: null, resources: [...resources.values()] };
}

function failure(_request: Request, errorCode: number): Response {
  return { ...refused(errorCode), resources: [] };
}
