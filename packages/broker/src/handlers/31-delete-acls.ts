import { DeleteAcls, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { refused } from "../metadata/outcome.ts";
import { onCluster } from "../security/permission.ts";
import { handler } from "./handler.ts";
import { NO_AUTHORIZER } from "./no-authorizer.ts";

/**
 * DeleteAcls: v1-3.
 * v2 flexible · v3 resources of type user (KIP-373).
 * There is no authorizer: each filter is answered with SECURITY_DISABLED (54).
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

function handle({ filters }: Request): Response {
  return { filterResults: filters.map(() => ({ ...NO_AUTHORIZER, matchingAcls: [] })) };
}

function failure({ filters }: Request, errorCode: number): Response {
  const failed = { ...refused(errorCode), matchingAcls: [] };
  return { filterResults: filters.map(() => failed) };
}
