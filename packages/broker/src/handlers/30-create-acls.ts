import { CreateAcls, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { refused } from "../metadata/outcome.ts";
import { onCluster } from "../security/permission.ts";
import { NO_AUTHORIZER, refuseUnknown } from "./acl-requests.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * CreateAcls: v1-3.
 * v2 flexible · v3 resources of type user (KIP-373).
 * Without an authorizer each creation is answered with SECURITY_DISABLED (54). A wrong one is
 * answered with INVALID_REQUEST, and the others are created. Kafka's UNKNOWN, 0, in one of them
 * refuses the request, where Kafka closes the connection. A range of addresses as host:
 * UNSUPPORTED_VERSION, as in Kafka below metadata.version 4.4.
 */
export const createAcls = handler({
  api: CreateAcls,
  versions: "1-3",
  authorize: [onCluster("alter")],
  handle,
  failure,
});

type Request = RequestOf<typeof CreateAcls>;
type Response = ResponseInput<typeof CreateAcls>;

async function handle({ creations }: Request, { services }: RequestContext): Promise<Response> {
  if (!services.authorizer.hasAcls) return { results: creations.map(() => NO_AUTHORIZER) };
  for (const one of creations) refuseUnknown(one.resourceType, one.resourcePatternType, one);
  const acls = creations.map(({ resourcePatternType: patternType, ...acl }) => {
    return { ...acl, patternType };
  });
  const { results } = await services.metadata.controller.createAcls({ acls });
  return { results: [...results] };
}

function failure({ creations }: Request, errorCode: number): Response {
  return { results: creations.map(() => refused(errorCode)) };
}
