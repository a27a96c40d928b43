import { CreateAcls, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { refused } from "../metadata/outcome.ts";
import { onCluster } from "../security/permission.ts";
import { handler } from "./handler.ts";
import { NO_AUTHORIZER } from "./no-authorizer.ts";

/**
 * CreateAcls: v1-3.
 * v2 flexible · v3 resources of type user (KIP-373).
 * There is no authorizer: each creation is answered with SECURITY_DISABLED (54).
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

function handle({ creations }: Request): Response {
  return { results: creations.map(() => NO_AUTHORIZER) };
}

function failure({ creations }: Request, errorCode: number): Response {
  return { results: creations.map(() => refused(errorCode)) };
}
