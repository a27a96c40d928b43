import { DescribeAcls, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { refused } from "../metadata/outcome.ts";
import { onCluster } from "../security/permission.ts";
import { handler } from "./handler.ts";
import { NO_AUTHORIZER } from "./no-authorizer.ts";

/**
 * DescribeAcls: v1-3.
 * v2 flexible · v3 resources of type user (KIP-373).
 * There is no authorizer: SECURITY_DISABLED (54), which tools like MirrorMaker 2 take as "no ACLs".
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

function handle(): Response {
  return { ...NO_AUTHORIZER, resources: [] };
}

function failure(_request: Request, errorCode: number): Response {
  return { ...refused(errorCode), resources: [] };
}
