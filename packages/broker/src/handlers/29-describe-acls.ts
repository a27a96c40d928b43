import { DescribeAcls, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { visitAclsOf } from "../metadata/acls-of-filters.ts";
import { refused } from "../metadata/outcome.ts";
import type { Acl } from "../security/acl.ts";
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
  const resources: (Resource & { readonly acls: Entry[] })[] = [];
  const byName = new Map<string, typeof resources>();
  const nextTurn = nextTurnOf(services.env.timers);
  await visitAclsOf(services.metadata.image, [filter], nextTurn, (acl) => {
    const { resourceType, resourceName, patternType } = acl;
    const ofName = byName.get(resourceName) ?? [];
    if (ofName.length === 0) byName.set(resourceName, ofName);
    const known = ofName.find(
      (one) => one.resourceType === resourceType && one.patternType === patternType,
    );
    if (known !== undefined) {
      known.acls.push(entryOf(acl));
      return;
    }
    const resource = { resourceType, resourceName, patternType, acls: [entryOf(acl)] };
    ofName.push(resource);
    resources.push(resource);
  });
  return { errorCode: 0, errorMessage: null, resources };
}

type Entry = Resource["acls"][number];

/** Copies are made in many turns; the last turn, which encodes them, finds them side by side. */
function entryOf({ principal, host, operation, permissionType }: Acl): Entry {
  return { principal, host, operation, permissionType };
}

function failure(_request: Request, errorCode: number): Response {
  return { ...refused(errorCode), resources: [] };
}
