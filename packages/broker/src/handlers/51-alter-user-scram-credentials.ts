import { AlterUserScramCredentials, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { refused } from "../metadata/outcome.ts";
import { onCluster } from "../security/permission.ts";
import { handler, type RequestContext } from "./handler.ts";

/** AlterUserScramCredentials: v0, flexible (KIP-554). One result for each user. */
export const alterUserScramCredentials = handler({
  api: AlterUserScramCredentials,
  versions: "0",
  authorize: [onCluster("alter")],
  handle,
  failure,
});

type Request = RequestOf<typeof AlterUserScramCredentials>;
type Response = ResponseInput<typeof AlterUserScramCredentials>;

async function handle(request: Request, { services }: RequestContext): Promise<Response> {
  return { results: (await services.metadata.controller.alterUsers(request)).results };
}

function failure({ deletions, upsertions }: Request, errorCode: number): Response {
  const names = new Set([...deletions, ...upsertions].map(({ name }) => name));
  return { results: [...names].map((user) => ({ user, ...refused(errorCode) })) };
}
